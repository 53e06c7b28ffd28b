"""What each step of a build does, called in a worker process as `function(places, **arguments)`.

Rooms are imported where they are used: a step's key covers the code its function can reach, and no more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sfpc_book.book.failure_page import Failure
from sfpc_book.book.plan import FINDINGS_TABLE, Chapter, authority_slice
from sfpc_book.book.step import Places


def write_data_status(places: Places) -> None:
    """Say whether returns and published statistics are synthetic, from the manifests of their folders."""
    from sfpc_book.book.data_status import status_of_folder
    from sfpc_book.book.files import write_text

    status = {
        "returns": status_of_folder(places.returns, real="returns"),
        "published": status_of_folder(places.published, real="published"),
    }
    write_text(places.build / "data_status.json", json.dumps(status, indent=1, sort_keys=True) + "\n")


def read_returns(places: Places, *, authority: str, listing: str) -> None:
    """Read one authority's workbooks into canonical tables, with findings and the log of what was read.

    `listing` is the digest of the names of all files in the folder of returns: a file that appears may be the
    authority's under a doubtful name.
    """
    from sfpc_book.returns.check import check_authority
    from sfpc_book.returns.declared import load_declared
    from sfpc_book.returns.inventory import read_inventory
    from sfpc_book.returns.read import read_files, write_returns
    from sfpc_book.study.study import load_study

    study = load_study(places.study_path)
    declared = load_declared(study, places.returns, places.home / "data_contracts")
    inventory = read_inventory(study, places.returns, declared.corrections)
    returns = read_files(study, authority, inventory, declared)
    found = check_authority(study, returns, inventory.of(authority), declared)
    target = places.build / "returns" / authority
    shutil.rmtree(target, ignore_errors=True)
    write_returns(replace(returns, findings=(*returns.findings, *found)), target)


def compare_returns(places: Places, *, authorities: Sequence[str]) -> None:
    """Check the returns across authorities and beside published statistics; give each its own findings."""
    from sfpc_book.book.slices import write_returns_slice
    from sfpc_book.cohort.store import load_tables
    from sfpc_book.published.sources import read_published
    from sfpc_book.returns.check import check_across
    from sfpc_book.returns.check_published import check_published, why_not_compared
    from sfpc_book.returns.declared import load_declared
    from sfpc_book.study.study import load_study

    study = load_study(places.study_path)
    contracts = places.home / "data_contracts"
    declared = load_declared(study, places.returns, contracts)
    tables = {slug: load_tables(places.build / "returns" / slug) for slug in authorities}
    because = why_not_compared(
        returns_synthetic=_is_synthetic(places, "returns"),
        published_synthetic=_is_synthetic(places, "published"),
        comparable="published" in declared.comparable,
    )
    series = None if because else read_published(study, places.published, contracts).series
    found = [
        *check_across(tables, declared.limits),
        *check_published(study, tables, series, declared.contracts, declared.limits, because=because),
    ]
    for slug in authorities:
        write_returns_slice(places.build, slug, [item for item in found if item.authority == slug])


def write_findings_workbook(places: Places, *, authority: str, compared: bool) -> None:
    """Write what goes back to an authority, and refuse to if an identifier of its children stands in it.

    A workbook of the other data status is removed: made-up findings must not lie beside real ones.
    """
    from sfpc_book.book.findings_export import export_findings

    export_findings(places, authority, compared=compared)


def _status_of(places: Places, kind: str) -> str:
    """The status of the `returns` or the `published` statistics, as `write_data_status` noted it."""
    return str(json.loads((places.build / "data_status.json").read_text(encoding="utf-8"))[kind])


def _is_synthetic(places: Places, kind: str) -> bool:
    return _status_of(places, kind) == "synthetic"


def build_model_cohort(places: Places, *, model: str, left: Sequence[str] = ()) -> None:
    """Build one model's cohort and panel, and each authority's own rows of the aggregates.

    `left` are the authorities that withdrew from the trial and whose returns were read for a sample. What
    must be hidden of an authority's description depends on the others, so it is decided here, for all.
    """
    from sfpc_book.book.slices import write_slices
    from sfpc_book.cohort.build import build_cohort
    from sfpc_book.cohort.store import blocked_authorities, load_tables, marked_authorities, write_cohort
    from sfpc_book.report.disclosure_baseline import with_hidden
    from sfpc_book.study.study import load_study

    study = load_study(places.study_path)
    slugs = study.models[model].trial_authorities
    returns, folder = places.build / "returns", places.build / "cohort" / model
    tables = {slug: load_tables(returns / slug) for slug in (*slugs, *left)}
    findings = {
        slug: places.build / authority_slice(slug, f"returns/{slug}") / FINDINGS_TABLE for slug in slugs
    }
    blocked = blocked_authorities(findings | {slug: returns / slug / FINDINGS_TABLE for slug in left})
    cohort = build_cohort(study, model, tables, blocked)
    protected = replace(cohort, descriptives=with_hidden(cohort.descriptives, study.disclosure))
    write_cohort(protected, folder)
    marked = marked_authorities(findings).assign(model=model)
    marked.to_csv(folder / "marked_authorities.csv", index=False, lineterminator="\n")
    write_slices(places.build, model, slugs)


def estimate_child_models(places: Places, *, model: str) -> None:
    """Fit the child-level models of one model's trial: aggregates out, children's rows stay here."""
    from sfpc_book.book.child_models import write_child_models

    write_child_models(places, model, _status_of(places, "returns"))


def estimate_sensitivities(places: Places, *, model: str) -> None:
    """Estimate every sensitivity of one model's panel that the registry of analyses asks for."""
    from sfpc_book.book.sensitivities import write_sensitivities

    write_sensitivities(places, model, _status_of(places, "returns"))


def estimate_scales(places: Places, *, model: str) -> None:
    """Estimate one model's outcomes by a model for the scale of each."""
    from sfpc_book.book.scales import write_scales

    write_scales(places, model, _status_of(places, "returns"))


def build_published_statistics(places: Places) -> None:
    """Read published statistics, profile the adopters, match and compare them."""
    from sfpc_book.published.build import build_published
    from sfpc_book.study.study import load_study

    study = load_study(places.study_path)
    build_published(study, places.published, places.build / "published", places.home / "data_contracts")


def run_notebook(places: Places, *, chapter: Chapter) -> None:
    """Run one chapter."""
    from sfpc_book.book.run import run_chapter

    run_chapter(chapter, build=places.build, study_path=places.study_path)


def write_failure_page(places: Places, *, chapter: Chapter, failure: Failure) -> None:
    """Put a page that names the cause in the place of a chapter that failed; its old results go."""
    from sfpc_book.book.failure_page import failure_notebook, failure_text
    from sfpc_book.book.files import write_bytes
    from sfpc_book.book.normalise import notebook_bytes

    (places.build / "results" / f"{chapter.slug}.csv").unlink(missing_ok=True)
    text = failure_text(chapter, failure)
    content = notebook_bytes(failure_notebook(text)) if chapter.is_notebook else (text + "\n").encode()
    write_bytes(source_of(places, chapter), content)


def collect_estimates(places: Places, *, slugs: Sequence[str]) -> None:
    """One table of every chapter's estimates, with the planted truth beside them where the data are
    synthetic."""
    from sfpc_book.book.estimates import collect
    from sfpc_book.study.study import load_study

    models = load_study(places.study_path).models
    authorities = {name: len(model.trial_authorities) for name, model in models.items()}
    collect(places.build, slugs, places.returns / "truth.csv", authorities)


def write_registry_page(places: Places, *, target: str) -> None:
    """The registry of outcomes as a page."""
    from sfpc_book.book.files import write_text
    from sfpc_book.book.registry_page import registry_markdown
    from sfpc_book.contracts.contract import load_contracts
    from sfpc_book.study.study import load_study

    contracts = load_contracts(places.home / "data_contracts")
    titles = {name: contract.title for name, contract in contracts.items()}
    write_text(places.build / target, registry_markdown(load_study(places.study_path), titles))


def write_dictionary_page(places: Places, *, target: str) -> None:
    """The data dictionary, from the contracts, as a page."""
    from sfpc_book.book.files import write_text
    from sfpc_book.contracts.dictionary import dictionary_markdown

    write_text(places.build / target, dictionary_markdown(places.home / "data_contracts"))


def assemble(places: Places, *, chapters: Sequence[Chapter], facts: Sequence[tuple[str, str]]) -> None:
    """Gather executed chapters and text pages into the source of one book."""
    from sfpc_book.book.assemble import BookPage, assemble_book

    pages = [
        BookPage(
            slug=chapter.slug,
            part=chapter.part,
            source=source_of(places, chapter),
            short_title=chapter.title,
            group=chapter.group,
        )
        for chapter in chapters
    ]
    assemble_book(places.build, pages, places.home, facts=dict(facts))


def bind(places: Places) -> None:
    """Make the site and the PDFs."""
    from sfpc_book.book.extension import setup  # noqa: F401  # named in _config.yml; here for the key
    from sfpc_book.book.site import build_book
    from sfpc_book.study.study import load_study

    contact = load_study(places.study_path).contact or ""
    build_book(places.build, contacts=[contact] if "@" in contact else [])


def source_of(places: Places, chapter: Chapter) -> Path:
    """The file of a page that is bound: the executed notebook, the generated text, or the text as it
    stands."""
    if chapter.kind == "notebook":
        return places.build / "chapters" / f"{chapter.slug}.ipynb"
    return (places.build if chapter.kind == "generated" else places.home) / chapter.template
