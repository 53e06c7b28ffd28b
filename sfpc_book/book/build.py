"""Build the book: make what is not given, plan, check, run what has changed, and say how it went."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from sfpc_book import __version__
from sfpc_book.book.check_plan import check_plan
from sfpc_book.book.code_used import digest, modules_of_templates
from sfpc_book.book.display import BuildDisplay
from sfpc_book.book.failure_page import Failure
from sfpc_book.book.files import write_text
from sfpc_book.book.graph import reduce_graph
from sfpc_book.book.kernel import WarmKernels, forking_works, kernel_folder, warm_kernels
from sfpc_book.book.places import DataSources, data_folders
from sfpc_book.book.plan import Chapter, plan
from sfpc_book.book.step import Places, Step, needed_for
from sfpc_book.book.steps import book_steps, chapter_step_name, chapter_steps, data_steps
from sfpc_book.book.tasks import StepOutcome, Watch, run_steps
from sfpc_book.cohort.build import require_defined
from sfpc_book.errors import BookBuildError, ParameterError
from sfpc_book.study.study import load_study

CHAPTER_PREFIX = chapter_step_name("")


@dataclass(frozen=True)
class BuildOptions:
    """What to build, from what, and how. `only`: patterns of slugs (empty: the whole book)."""

    study_path: Path = Path("study.yml")
    build: Path = Path("build")
    sources: DataSources = field(default_factory=DataSources)
    jobs: int = 0
    only: tuple[str, ...] = ()
    forked_kernels: bool = True

    @property
    def processes(self) -> int:
        """Processes at once: as many as cores unless said otherwise."""
        return self.jobs or os.cpu_count() or 1


@dataclass(frozen=True)
class BuildReport:
    """How a build went: the last status of each step, chapters that failed, other steps that failed."""

    places: Places
    chapters: tuple[Chapter, ...]
    statuses: Mapping[str, str]
    failures: Mapping[str, Failure]
    broken: Mapping[str, str]
    exit_codes: frozenset[int] = frozenset()

    @property
    def is_whole(self) -> bool:
        return not self.failures and not self.broken

    def count(self, status: str) -> int:
        return sum(found == status for found in self.statuses.values())


def build_book(options: BuildOptions, display: BuildDisplay) -> BuildReport:
    """Build everything that is not up to date.

    A chapter that fails becomes a page that names the cause, and the rest is built.

    Raises
    ------
    SfpcBookError
        Before anything is run, if the study, the data folders, the plan or a template is at fault.
    """
    study_path = options.study_path.resolve()
    study = load_study(study_path)
    require_defined(study)
    chapters = plan(study)
    wanted = selected(chapters, options.only)
    check_plan(chapters, study_path.parent, options.build.resolve())
    with _kernels(options, chapters, study_path.parent) as kernels, display.shown():
        build, sources, jobs = options.build.resolve(), options.sources, options.processes
        places = data_folders(study, study_path, build, sources, display.say, jobs)
        graph = _Graph(
            data_steps(study, places), chapters, places, () if len(wanted) == len(chapters) else wanted
        )
        report = _run_until_settled(graph, options, display, _warmer(kernels))
    _write_run_facts(report)
    return report


def selected(chapters: Sequence[Chapter], patterns: Sequence[str]) -> tuple[Chapter, ...]:
    """The chapters whose slug fits one of the patterns; all without patterns.

    Raises `ParameterError` for a pattern that fits none.
    """
    idle = [
        pattern for pattern in patterns if not any(fnmatch(chapter.slug, pattern) for chapter in chapters)
    ]
    if idle:
        known = ", ".join(chapter.slug for chapter in chapters)
        raise ParameterError(f"no chapter is called {', '.join(map(repr, idle))}. Allowed: {known}")
    return tuple(
        chapter
        for chapter in chapters
        if not patterns or any(fnmatch(chapter.slug, item) for item in patterns)
    )


@dataclass(frozen=True)
class _Graph:
    """The steps of this build as a function of the chapters that have failed; `only` as in the options."""

    data: tuple[Step, ...]
    chapters: tuple[Chapter, ...]
    places: Places
    only: tuple[Chapter, ...]

    def steps(self, failures: Mapping[str, Failure]) -> tuple[Step, ...]:
        steps = (*self.data, *chapter_steps(self.chapters, self.places, failures))
        if self.only:
            return needed_for([chapter_step_name(chapter.slug) for chapter in self.only], steps)
        facts = build_facts(self.places, failures)
        return (*steps, *book_steps(self.chapters, self.places, facts, failures))


def build_facts(places: Places, failures: Mapping[str, Failure]) -> dict[str, str]:
    """What every page's foot says of the build: equal builds say equal things, so no times."""
    facts = {"Version": __version__, "Study file": digest(places.study_path.read_bytes())}
    lock = places.home / "requirements.txt"
    if lock.is_file():
        facts["Environment"] = digest(lock.read_bytes())
    if failures:
        facts["Draft"] = f"{len(failures)} of the chapters could not be made"
    return facts


def _run_until_settled(
    graph: _Graph, options: BuildOptions, display: BuildDisplay, warm: Callable[[], None]
) -> BuildReport:
    """Run; turn what failed into pages; run again what that concerns; until nothing new fails."""
    statuses: dict[str, str] = {}
    failures: dict[str, Failure] = {}
    broken: dict[str, str] = {}
    codes: set[int] = set()
    jobs = options.processes
    settled: set[Step] = set()
    while True:
        reduced = reduce_graph(graph.chapters, graph.steps, failures, broken)
        failures = dict(reduced.failures)
        if settled.issuperset(reduced.steps):
            return BuildReport(graph.places, graph.chapters, statuses, failures, broken, frozenset(codes))
        outcomes = _run(reduced.steps, graph.places, display, warm, jobs)
        ended_well = {outcome.name for outcome in outcomes if outcome.status in ("done", "unchanged")}
        settled |= {step for step in reduced.steps if step.name in ended_well}
        for outcome in outcomes:
            if outcome.status != "unchanged" or outcome.name not in statuses:
                statuses[outcome.name] = outcome.status
            if outcome.status == "failed":
                codes.add(outcome.exit_code)
                _note(outcome, failures, broken)


def _note(outcome: StepOutcome, failures: dict[str, Failure], broken: dict[str, str]) -> None:
    slug = outcome.name.removeprefix(CHAPTER_PREFIX)
    if slug != outcome.name and slug not in failures:
        failures[slug] = Failure(slug, outcome.cell, outcome.cause)
    else:
        broken[outcome.name] = outcome.cause


def _run(
    steps: Sequence[Step], places: Places, display: BuildDisplay, warm: Callable[[], None], jobs: int
) -> tuple[StepOutcome, ...]:
    display.begin({step.name: step.stage for step in steps})
    watch = Watch(warm, display.started, display.ended)
    outcomes = run_steps(steps, places, jobs=jobs, watch=watch)
    if not any(outcome.worker_died for outcome in outcomes):
        return outcomes
    display.say("a worker process died; going on with one worker")
    return run_steps(steps, places, jobs=1, watch=Watch(warm, display.started, display.ended))


@contextmanager
def _kernels(options: BuildOptions, chapters: Sequence[Chapter], home: Path) -> Iterator[WarmKernels | None]:
    if not (options.forked_kernels and forking_works()):
        with kernel_folder():
            yield None
        return
    templates = sorted({home / chapter.template for chapter in chapters if chapter.is_notebook})
    with warm_kernels(lambda: modules_of_templates(templates)) as kernels:
        yield kernels


def _warmer(kernels: WarmKernels | None) -> Callable[[], None]:
    return kernels.start if kernels is not None else lambda: None


def _write_run_facts(report: BuildReport) -> None:
    """`run.json`: what ran, what was unchanged, what failed and why. The only file that may differ between
    equal runs."""
    from sfpc_book.book.keys import recorded_key

    steps = []
    for name, status in sorted(report.statuses.items()):
        recorded = recorded_key(name, report.places)
        steps.append({"step": name, "status": status, "seconds": recorded[1] if recorded else None})
    facts = {
        "version": __version__,
        "whole": report.is_whole,
        "steps": steps,
        "failed_chapters": {slug: failure.cause for slug, failure in sorted(report.failures.items())},
        "failed_steps": dict(sorted(report.broken.items())),
    }
    write_text(report.places.build / "run.json", json.dumps(facts, indent=1) + "\n")


def raise_for_failures(report: BuildReport) -> None:
    """Raise `BookBuildError` naming every chapter and step that failed, with its cause.

    The exit code is that of the failures if they agree, else that of a build with failures.
    """
    problems = [f"{name}: {_indented(cause)}" for name, cause in sorted(report.broken.items())]
    problems += [
        f"chapter {slug}{f' in {failure.where}' if failure.where else ''}: {_indented(failure.cause)}"
        for slug, failure in sorted(report.failures.items())
    ]
    if problems:
        bound = report.statuses.get("bind") in ("done", "unchanged")
        rest = "the rest was built as a draft" if bound else "the book was not bound"
        many = "1 failure" if len(problems) == 1 else f"{len(problems)} failures"
        error = BookBuildError(f"{many}; {rest}", problems)
        if len(report.exit_codes) == 1 and not report.failures:
            error.exit_code = min(report.exit_codes)
        raise error


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
