"""From a plan to the steps of a build: what is made from what. Pure: nothing is run, few files are looked
at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sfpc_book.book import work
from sfpc_book.book.calibration_steps import calibration_steps
from sfpc_book.book.code_used import digest
from sfpc_book.book.data_status import status_of_folder
from sfpc_book.book.failure_page import Failure
from sfpc_book.book.keys import files_below
from sfpc_book.book.plan import (
    DATA_STATUS,
    ESTIMATES,
    PUBLISHED_TABLES,
    WORKBOOKS,
    Chapter,
    authority_slice,
)
from sfpc_book.book.step import Places, Step
from sfpc_book.book.steps_trials import (
    child_models_step,
    cohort_step,
    scales_step,
    sensitivity_step,
)
from sfpc_book.contracts.check_words import CHECK_WORDS
from sfpc_book.report.findings_name import workbook_name
from sfpc_book.returns.declared import load_declared
from sfpc_book.returns.inventory import Inventory, read_inventory
from sfpc_book.study.schema import Study

MANIFEST = "manifest.json"
# What of the data contracts decides how returns are read and checked.
RETURNS_CONTRACTS = ("tables", "vocabularies.yml", "checks.yml", "corrections.yml")
# Steps that check returns with those of all authorities, and published statistics, at hand.
COMPARING = ("data status", "compare returns")
READING, CHAPTERS, BINDING = "Reading data", "Running chapters", "Binding the book"


def data_steps(study: Study, places: Places) -> tuple[Step, ...]:
    """Everything before the first chapter: returns, cohorts, estimates, published statistics."""
    models = tuple(study.models.values())
    declared = load_declared(study, places.returns, places.home / "data_contracts")
    inventory = read_inventory(study, places.returns, declared.corrections)
    return (
        _data_status_step(places),
        *_read_steps(study, places, inventory),
        _published_step(places),
        _comparing_step(study, places),
        *findings_steps(study, places),
        *(cohort_step(model, places, _left(study, inventory, model.id)) for model in models),
        *(child_models_step(model, places) for model in models),
        *(sensitivity_step(model, places) for model in models),
        *(scales_step(model, places) for model in models),
        *calibration_steps(study, places),
    )


def chapter_steps(
    chapters: Sequence[Chapter], places: Places, failures: Mapping[str, Failure]
) -> tuple[Step, ...]:
    """One step per page that must be made, and the table of estimates; failed chapters become pages that
    say so."""
    recording = tuple(
        chapter.slug for chapter in chapters if chapter.results and chapter.slug not in failures
    )
    made = {"notebook": _chapter_step, "generated": _generated_step}
    pages = [
        _failure_step(chapter, failures[chapter.slug], places)
        if chapter.slug in failures
        else made[chapter.kind](chapter, places)
        for chapter in chapters
        if chapter.kind in made
    ]
    return (*pages, _estimates_step(recording, places))


def book_steps(
    chapters: Sequence[Chapter], places: Places, facts: Mapping[str, str], failures: Mapping[str, Failure]
) -> tuple[Step, ...]:
    """Assemble the pages and bind them."""
    sources = tuple(work.source_of(places, chapter) for chapter in chapters)
    recording = (chapter.slug for chapter in chapters if chapter.results and chapter.slug not in failures)
    results = tuple(places.build / "results" / f"{slug}.csv" for slug in recording)
    config = places.home / "_config.yml"
    book = places.build / "book"
    return (
        Step(
            name="assemble",
            stage=BINDING,
            function=work.assemble,
            arguments=(("chapters", tuple(chapters)), ("facts", tuple(facts.items()))),
            inputs=(*sources, *results, places.build / ESTIMATES, config),
            output_folders=(book,),
        ),
        Step(
            name="bind",
            stage=BINDING,
            function=work.bind,
            inputs=(book, places.study_path),
            output_folders=tuple(places.build / name for name in ("site", "pdf", "release")),
        ),
    )


def chapter_step_name(slug: str) -> str:
    """Name of the step that makes a page."""
    return f"chapter {slug}"


def _data_status_step(places: Places) -> Step:
    return Step(
        name="data status",
        stage=READING,
        function=work.write_data_status,
        inputs=tuple(_existing(places.returns / MANIFEST, places.published / MANIFEST)),
        outputs=(places.build / DATA_STATUS,),
    )


def _read_steps(study: Study, places: Places, inventory: Inventory) -> list[Step]:
    """One step per authority that is read, on its own workbooks. Names of all files count too: some may be
    doubtful."""
    left = [slug for model_id in study.models for slug in _left(study, inventory, model_id)]
    names = [str(path.relative_to(places.returns)) for path in files_below(places.returns)]
    shared = [places.study_path, *_returns_contracts(places), *_existing(places.returns / "corrections.yml")]
    return [
        Step(
            name=f"read {slug}",
            stage=READING,
            function=work.read_returns,
            arguments=(("authority", slug), ("listing", digest("\n".join(names).encode()))),
            inputs=(*shared, *(file.path for file in inventory.of(slug))),
            output_folders=(places.build / "returns" / slug,),
        )
        for slug in (*trial_authorities(study), *left)
    ]


def _left(study: Study, inventory: Inventory, model_id: str) -> tuple[str, ...]:
    """The authorities that withdrew from a model's trial, whose workbooks a sample asks for and are there."""
    return tuple(
        slug for slug in study.left(model_id) if slug in study.left_asked_for() and inventory.of(slug)
    )


def _returns_contracts(places: Places) -> list[Path]:
    return [path for name in RETURNS_CONTRACTS if (path := places.home / "data_contracts" / name).exists()]


def trial_authorities(study: Study) -> tuple[str, ...]:
    """Slugs of all trial authorities, model by model, in wedge order."""
    return tuple(slug for model in study.models.values() for slug in model.trial_authorities)


def _comparing_step(study: Study, places: Places) -> Step:
    slugs = trial_authorities(study)
    return Step(
        name="compare returns",
        stage=READING,
        function=work.compare_returns,
        arguments=(("authorities", slugs),),
        inputs=(
            places.study_path,
            *_returns_contracts(places),
            *_existing(places.returns / MANIFEST, places.returns / "corrections.yml"),
            *(places.build / "returns" / slug for slug in slugs),
            places.build / DATA_STATUS,
            places.home / "data_contracts" / "published",
            places.published,
        ),
        output_folders=tuple(places.build / authority_slice(slug, f"returns/{slug}") for slug in slugs),
    )


def findings_steps(study: Study, places: Places, *, compared: bool = True) -> list[Step]:
    """One workbook of findings per trial authority, for its data owner.

    With `compared` it holds what was found across authorities as well, else only the authority's own
    findings.
    """
    contracts, status = places.home / "data_contracts", status_of_folder(places.returns, real="returns")
    return [
        Step(
            name=findings_step_name(slug),
            stage=READING,
            function=work.write_findings_workbook,
            arguments=(("authority", slug), ("compared", compared)),
            inputs=(
                places.study_path,
                contracts / "tables",
                contracts / CHECK_WORDS,
                places.build / DATA_STATUS,
                places.build / "returns" / slug,
                *([places.build / authority_slice(slug, f"returns/{slug}")] if compared else []),
            ),
            outputs=(places.build / WORKBOOKS / workbook_name(slug, status),),
        )
        for slug in trial_authorities(study)
    ]


def findings_step_name(slug: str) -> str:
    """Name of the step that writes an authority's workbook of findings."""
    return f"findings {slug}"


def _existing(*paths: Path) -> list[Path]:
    return [path for path in paths if path.is_file()]


def _published_step(places: Places) -> Step:
    return Step(
        name="published statistics",
        stage=READING,
        function=work.build_published_statistics,
        inputs=(places.study_path, places.home / "data_contracts" / "published", places.published),
        outputs=tuple(places.build / "published" / name for name in PUBLISHED_TABLES),
    )


def _chapter_step(chapter: Chapter, places: Places) -> Step:
    outputs = [work.source_of(places, chapter)]
    if chapter.results:
        outputs.append(places.build / "results" / f"{chapter.slug}.csv")
    return Step(
        name=chapter_step_name(chapter.slug),
        stage=CHAPTERS,
        function=work.run_notebook,
        arguments=(("chapter", chapter),),
        inputs=(
            places.study_path,
            *(places.home / source for source in chapter.sources),
            *(places.build / path for path in chapter.inputs),
        ),
        outputs=tuple(outputs),
        template=places.home / chapter.template,
    )


def _failure_step(chapter: Chapter, failure: Failure, places: Places) -> Step:
    return Step(
        name=chapter_step_name(chapter.slug),
        stage=CHAPTERS,
        function=work.write_failure_page,
        arguments=(("chapter", chapter), ("failure", failure)),
        outputs=(work.source_of(places, chapter),),
        in_place_of_failed=True,
    )


def _generated_step(chapter: Chapter, places: Places) -> Step:
    from_study = chapter.slug == "outcomes"
    return Step(
        name=chapter_step_name(chapter.slug),
        stage=CHAPTERS,
        function=work.write_registry_page if from_study else work.write_dictionary_page,
        arguments=(("target", chapter.template),),
        inputs=(places.study_path, *(places.home / source for source in chapter.sources)),
        outputs=(places.build / chapter.template,),
    )


def _estimates_step(slugs: Iterable[str], places: Places) -> Step:
    slugs = tuple(slugs)
    return Step(
        name="estimates",
        stage=CHAPTERS,
        function=work.collect_estimates,
        arguments=(("slugs", slugs),),
        inputs=(
            places.study_path,
            *(places.build / "results" / f"{slug}.csv" for slug in slugs),
            *_existing(places.returns / "truth.csv"),
        ),
        outputs=(places.build / ESTIMATES,),
    )
