"""The command line. Thin: each command reads its options, calls one function, and prints what came back.

Rooms are imported by the command that needs them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sfpc_book.cli_calibrate import calibrate
from sfpc_book.cli_estimate import estimate
from sfpc_book.cli_options import (
    BUILD,
    STUDY,
    Build,
    DefectRate,
    Defects,
    DefectShare,
    Effect,
    Jobs,
    Published,
    Returns,
    Scale,
    Seed,
    Study,
)
from sfpc_book.cli_staggered import staggered
from sfpc_book.errors import ParameterError, SfpcBookError

HELP = """
Build a reproducible evaluation report book from data returns and one file of the protocol.

With nothing given, a synthetic set of returns with known truth is made first, and every page says so.

    sfpc-book build                                   # the whole book: open build/site/index.html
    sfpc-book build --returns returns --published dfe # the same from real data
    sfpc-book check --returns returns                 # what is wrong with the workbooks
    sfpc-book why family_valued-primary               # why that chapter would be run again
    sfpc-book estimate --help                         # the same estimators on another table
    sfpc-book staggered --help                        # estimators of staggered adoption on a panel

Exit codes: 0 all well, 2 wrong usage, 3 study file, 4 returns, 5 data contracts, 6 parameters, 7 estimation,
8 published statistics, 9 a chapter or the book could not be made, 10 disclosure.
"""

WIDE = 160  # columns of a table that is not printed on a terminal
application = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
console = Console(width=None if sys.stdout.isatty() else WIDE)


@application.command()
def simulate(
    study: Study = STUDY,
    build: Build = BUILD,
    seed: Seed = 20240401,
    scale: Scale = "small",
    effect: Effect = "growing",
    defects: Defects = "usual",
    defect_rate: DefectRate = None,
    defect_share: DefectShare = None,
) -> None:
    """Make synthetic returns and published statistics with known truth.

    Workbooks are as messy as real ones; `truth.csv` holds the planted effects and `answer_key.csv` the
    planted defects. Scales: small (default), or protocol for the numbers of children in the protocols.

        sfpc-book simulate --scale protocol --seed 7
        sfpc-book simulate --defects mixed_case,missing_column --defect-rate 0.3
    """
    from sfpc_book.book.places import data_folders
    from sfpc_book.study.study import load_study

    kinds = tuple(filter(None, map(str.strip, defects.split(","))))
    sources = _sources(None, None, seed, scale, effect, (kinds, defect_rate, defect_share))
    jobs = os.cpu_count() or 1
    places = data_folders(load_study(study), study.resolve(), build.resolve(), sources, _say, jobs)
    _say(f"synthetic returns: {_short(places.returns)}")
    _say(f"synthetic published statistics: {_short(places.published)}")


@application.command()
def check(
    study: Study = STUDY,
    build: Build = BUILD,
    returns: Returns = None,
    published: Published = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Slug of an authority, checked alone; can be repeated."),
    ] = None,
    score: Annotated[
        bool, typer.Option("--score", help="Hold the findings against the answer key of synthetic returns.")
    ] = False,
    jobs: Jobs = 0,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Also draft corrections for what is recognised; applies none.")
    ] = False,
) -> None:
    """Read the returns and list what is wrong with them.

    Monthly totals are held against published statistics where both are real. Findings of severity `block`
    keep an authority out of the estimates; `mark` is marked on its pages and beside the estimates; `note` is
    for the data owner. The list is also written to files, whose place is named last, and to build/findings as
    a workbook for each authority. The exit code is 4 when an authority is kept out, or (with --score) a
    planted defect was not found.

    With --suggest, a row of corrections.yml is drafted for each defect that is recognised, in
    build/returns/AUTHORITY/suggested_corrections.yml. Its reason, source and date are for a person to fill
    in, and it takes effect only when it is moved to data_contracts/corrections.yml.

        sfpc-book check --returns /path/to/returns --only swindon --suggest
        sfpc-book check --returns build/synthetic/returns --score
    """
    from sfpc_book.book.check import check_returns, print_findings, raise_for_blocked

    sources = _sources(returns, published)
    report = check_returns(study, build, sources, tuple(only or ()), jobs=jobs, say=_say)
    print_findings(report, console)
    if suggest:
        from sfpc_book.book.check_suggest import print_suggestions, suggest_corrections

        print_suggestions(suggest_corrections(study, build, sources, report.findings), console)
    if score:
        from sfpc_book.book.score import score_findings

        score_findings(report, console)
    raise_for_blocked(report.findings)


@application.command()
def plan(
    study: Study = STUDY,
    build: Build = BUILD,
    write_toc: Annotated[
        bool, typer.Option("--write-toc", help="Also write _toc.yml beside the study file.")
    ] = False,
) -> None:
    """List the chapters, their templates and parameters, and check each against its template. Runs
    nothing."""
    from sfpc_book.book.check_plan import check_plan
    from sfpc_book.book.plan import plan as chapters_of
    from sfpc_book.book.plan_table import plan_table, write_contents
    from sfpc_book.cohort.build import require_defined
    from sfpc_book.study.study import load_study

    protocol = load_study(study)
    require_defined(protocol)
    chapters = chapters_of(protocol)
    home = study.resolve().parent
    if write_toc:
        _say(f"wrote {_short(write_contents(chapters, home))}")
    console.print(plan_table(chapters))
    check_plan(chapters, home, build.resolve())
    _say(f"{len(chapters)} pages; every parameter fits its template")


@application.command()
def build(
    study: Study = STUDY,
    build: Build = BUILD,
    returns: Returns = None,
    published: Published = None,
    seed: Seed = 20240401,
    scale: Scale = "small",
    effect: Effect = "growing",
    jobs: Jobs = 0,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="Run only chapters of this slug (patterns such as 'authority-*'); no book."
        ),
    ] = None,
    kernels: Annotated[
        str, typer.Option("--kernels", help="forked: from one warm process; plain: a new process each.")
    ] = "forked",
) -> None:
    """Build the book: site, PDFs, and the table of every estimate.

    Only what changed is run again. A build that was stopped goes on where it stopped. A chapter that fails
    becomes a page that names the cause; the rest is built as a draft, and the exit code is 9. Where returns
    cannot be used, the book is built without their authority, and the exit code is 4.

        sfpc-book build --returns /path/to/returns --published /path/to/statistics
        sfpc-book build --only 'family_valued-*'
    """
    if kernels not in ("forked", "plain"):
        raise ParameterError(f"--kernels {kernels!r} is not known. Allowed: forked, plain")
    from sfpc_book.book.build import BuildOptions, build_book, raise_for_failures
    from sfpc_book.book.build_summary import print_summary
    from sfpc_book.book.check import findings_of_build, raise_for_blocked
    from sfpc_book.book.display import BuildDisplay
    from sfpc_book.study.study import load_study

    sources = _sources(returns, published, seed, scale, effect)
    options = BuildOptions(study, build, sources, jobs, tuple(only or ()), kernels == "forked")
    report = build_book(options, BuildDisplay(console))
    print_summary(report, console)
    raise_for_failures(report)
    if not only:
        raise_for_blocked(findings_of_build(load_study(study), report.places.build))


@application.command()
def why(
    slug: Annotated[str, typer.Argument(help="Slug of a chapter, or name of a step such as 'read swindon'.")],
    study: Study = STUDY,
    build: Build = BUILD,
    returns: Returns = None,
    published: Published = None,
) -> None:
    """Say why a chapter would be run again: what of its data, template, parameters, code or environment
    changed.

    Give the same --returns and --published as to `build`.

        sfpc-book why authority-swindon
    """
    from sfpc_book.book.why import explain

    for line in explain(slug, study.resolve(), build.resolve(), _sources(returns, published)):
        _say(line)


@application.command()
def serve(
    build: Build = BUILD,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8000,
) -> None:
    """Show the built site on this computer only, at http://127.0.0.1:8000/."""
    from sfpc_book.book.serve import serve_site

    serve_site(build / "site", port, _say)


@application.command()
def clean(
    build: Build = BUILD,
    everything: Annotated[bool, typer.Option("--all", help="The synthetic data and the site too.")] = False,
) -> None:
    """Remove what builds have made: all but the synthetic data and the last site and PDFs, or with --all
    those too.

    Nothing that a build did not make is touched.
    """
    from sfpc_book.book.clean import clean_build

    removed = clean_build(build, everything=everything)
    _say(f"removed {', '.join(removed)} from {build}" if removed else f"nothing to remove in {build}")


application.command()(estimate)
application.command()(staggered)
application.command()(calibrate)


def main() -> None:
    """Run the command line; our own errors are shown without a traceback and end with their exit code."""
    try:
        application()
    except SfpcBookError as error:
        Console(stderr=True).print(
            f"[bold red]error:[/bold red] {_escaped(error.text())}", highlight=False, soft_wrap=True
        )
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; the same command goes on where this one stopped")
        sys.exit(130)


def _sources(returns, published, seed=20240401, scale: str = "small", effect="growing", defects: tuple = ()):
    from sfpc_book.book.places import DataSources
    from sfpc_book.book.synthetic import Recipe, scale_of

    return DataSources(returns, published, Recipe(seed, scale_of(scale), effect, *defects))


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
