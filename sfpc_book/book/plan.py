"""The book as data: which chapters there are, from which template, with which parameters, reading which
files.

`plan` expands a study into frozen `Chapter`s and runs nothing. What a chapter may read is part of it: the
runner shows a notebook exactly the files named in `inputs` and `sources`, so a number on a page cannot come
from a file that its key does not cover.

Paths are relative: `inputs` to the build folder, `template` and `sources` to the folder of the study file.
An input below `authorities/<slug>/` is a folder that holds the rows of one authority only and is shown to
the notebook without that prefix; that is why a changed cell in one workbook leaves the other authorities'
chapters alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sfpc_book.study.schema import Authority, PracticeModel, Study

Scalar = str | int | float | bool
Kind = Literal["notebook", "text", "generated"]

STUDY_SHOWN_AS = "study.yml"
BUILD_SHOWN_AS = "build"
PATHS = (("study_path", STUDY_SHOWN_AS), ("build_path", BUILD_SHOWN_AS))

DATA_STATUS = "data_status.json"
COHORT_TABLES = (
    "panel.parquet",
    "flow.csv",
    "allocation.csv",
    "samples.csv",
    "exposures.csv",
    "descriptives.csv",
    "missingness.csv",
    "patterns.csv",
    "monthly.csv",
    "linkage.csv",
    "observability.csv",
    "excluded_authorities.csv",
    "marked_authorities.csv",
)
COHORT_CHILD_TABLES = ("children.parquet", "outcomes.parquet", "times.parquet")
COHORT_ESTIMATOR_TABLES = ("survival.csv", "totals.csv")  # aggregates that estimators read and no chapter
POPULATIONS = "populations"  # folder below a cohort: children of samples with another population
# Below estimates/<model>: tidy rows, no child's own.
CHILD_MODELS, SENSITIVITY, SCALES = "child_models.csv", "sensitivity.csv", "scales.csv"
ALL_MODELS = "all"
CALIBRATION, DETECTABLE = "calibration.csv", "detectable.csv"  # of simulated trials of the same designs
FINDINGS_TABLE = "findings.csv"  # all of an authority, whatever step made them
RETURNS_TABLES = (FINDINGS_TABLE, "reading_log.csv", "corrections.csv", "dr1_monthly.parquet")
PUBLISHED_PROFILE = (
    "profile.parquet",
    "profile_neighbours.csv",
    "sources.csv",
    "findings.csv",
    "status.json",
)
PUBLISHED_TABLES = (
    "series.parquet",
    "neighbours.parquet",
    "matched.csv",
    "matches.csv",
    "left_out.csv",
    "revisions.csv",
    *PUBLISHED_PROFILE,
)
ESTIMATES = "results/estimates.csv"
WORKBOOKS = "findings"  # folder of the workbooks that go back to the authorities
CHECKS_IN_WORDS = ("data_contracts/check_words.yml",)

PROGRAMME, AUTHORITIES, ABOUT = "The programme", "Local authorities", "About this report"


@dataclass(frozen=True)
class Chapter:
    """One page of the book.

    `kind` is `notebook` (a template to run), `text` (Markdown as it stands) or `generated` (Markdown made
    from the study or the contracts; `template` is then its place in the build folder). `part` and `group` are
    the headings it stands under in the navigation. `results` says whether the chapter's estimates stand in
    `results/<slug>.csv`.
    """

    slug: str
    template: str
    parameters: tuple[tuple[str, Scalar], ...]
    inputs: tuple[str, ...]
    title: str
    part: str
    group: str = ""
    kind: Kind = "notebook"
    sources: tuple[str, ...] = ()
    results: bool = False

    @property
    def is_notebook(self) -> bool:
        return self.kind == "notebook"

    @property
    def docname(self) -> str:
        """Place of the page in the assembled book, without suffix."""
        if self.slug == "index":
            return "index"
        return f"{'chapters' if self.is_notebook else 'pages'}/{self.slug}"


def plan(study: Study) -> tuple[Chapter, ...]:
    """Every page of the book in reading order; the first is the front page."""
    models = tuple(study.models.values())
    return (
        _text("index", study.title, ""),
        *_programme_chapters(models),
        *(chapter for model in models for chapter in _model_chapters(model)),
        *(_authority_chapter(authority, group) for authority, group in _adopters(study)),
        *_about_pages(),
    )


def toc(chapters: Iterable[Chapter]) -> dict[str, Any]:
    """The contents of `_toc.yml` in Jupyter Book's form: a root, then parts in order of appearance."""
    root, *others = chapters
    parts: dict[str, list[dict[str, str]]] = {}
    for chapter in others:
        parts.setdefault(chapter.part, []).append({"file": chapter.docname, "title": chapter.title})
    captions = [{"caption": part, "chapters": entries} for part, entries in parts.items()]
    return {"format": "jb-book", "root": root.docname, "parts": captions}


def shown_as(path: str) -> str:
    """Name under which a notebook sees an input: rows of one authority stand where the whole table would."""
    if path.startswith("authorities/"):
        return path.split("/", 2)[2]
    return path


def estimates_file(model: str, name: str) -> str:
    """Place in the build folder of estimates that are made before any chapter."""
    return f"estimates/{model}/{name}"


def authority_slice(slug: str, path: str) -> str:
    """Place in the build folder of the rows of `path` that belong to one authority."""
    return f"authorities/{slug}/{path}"


def _adopters(study: Study) -> list[tuple[Authority, str]]:
    """Trial authorities in wedge order and then the pilot, model by model, each with the model's name."""
    return [
        (study.authorities[slug], model.name)
        for model in study.models.values()
        for slug in (*model.trial_authorities, model.pilot)
    ]


def _authority_chapter(authority: Authority, group: str) -> Chapter:
    inputs = [DATA_STATUS, *(f"published/{name}" for name in PUBLISHED_PROFILE)]
    if authority.role == "trial":
        inputs.append(authority_slice(authority.slug, f"returns/{authority.slug}"))
        inputs.append(authority_slice(authority.slug, f"cohort/{authority.model}"))
    return Chapter(
        slug=f"authority-{authority.slug}",
        template=f"notebooks/{'authority' if authority.role == 'trial' else 'authority_pilot'}.ipynb",
        parameters=(("local_authority", authority.slug), *PATHS),
        inputs=tuple(inputs),
        title=authority.name,
        part=AUTHORITIES,
        group=group,
        sources=CHECKS_IN_WORDS,
    )


MODEL_CHAPTERS = (
    ("sample", "Who was studied", False),
    ("data_quality", "Data quality", False),
    ("primary", "Primary outcome", True),
    ("sensitivity", "Sensitivity", True),
    ("secondary", "Secondary outcomes", True),
    ("follow_up", "Longer follow-up", True),
    ("costs", "Costs", False),
)


def _model_chapters(model: PracticeModel) -> list[Chapter]:
    cohort = [DATA_STATUS, *(f"cohort/{model.id}/{name}" for name in COHORT_TABLES)]
    returns = [authority_slice(slug, f"returns/{slug}") for slug in model.trial_authorities]
    children, panel, scales, calibration, detectable = (
        estimates_file(model.id, name)
        for name in (CHILD_MODELS, SENSITIVITY, SCALES, CALIBRATION, DETECTABLE)
    )
    extra = {
        "sample": returns,
        "data_quality": returns,
        "primary": [children, panel, detectable],
        "sensitivity": [children, panel, calibration, f"results/{model.id}-primary.csv"],
        "secondary": [children, scales],
        "follow_up": [children, scales],
        "costs": [
            "published/series.parquet",
            *(f"results/{model.id}-{name}.csv" for name in ("primary", "secondary", "follow_up")),
        ],
    }
    in_words = dict.fromkeys(
        ("data_quality", "primary", "sensitivity", "secondary", "follow_up"), CHECKS_IN_WORDS
    )
    sources = {"costs": ("data_contracts/unit_costs.yml",), **in_words}
    return [
        Chapter(
            slug=f"{model.id}-{name}",
            template=f"notebooks/model_{name}.ipynb",
            parameters=(("intervention_model", model.id), *PATHS),
            inputs=tuple([*cohort, *extra.get(name, [])]),
            title=title,
            part=model.name,
            sources=sources.get(name, ()),
            results=results,
        )
        for name, title, results in MODEL_CHAPTERS
    ]


def _programme_chapters(models: tuple[PracticeModel, ...]) -> list[Chapter]:
    published = tuple(f"published/{name}" for name in PUBLISHED_TABLES)
    flows = tuple(f"cohort/{model.id}/flow.csv" for model in models)
    trials = tuple(
        f"cohort/{model.id}/{name}"
        for model in models
        for name in ("panel.parquet", "excluded_authorities.csv", "marked_authorities.csv")
    )
    return [
        _programme("programme-summary", "Summary", "programme_summary", (DATA_STATUS, ESTIMATES, *flows)),
        _programme("programme-design", "Design", "programme_design", (DATA_STATUS,)),
        _programme(
            "programme-pooled",
            "Three trials",
            "programme_pooled",
            (DATA_STATUS, *trials),
            True,
            CHECKS_IN_WORDS,
        ),
        _programme(
            "programme-calibration",
            "Can the methods be trusted?",
            "programme_calibration",
            (DATA_STATUS, estimates_file(ALL_MODELS, CALIBRATION)),
        ),
        _programme(
            "matched-comparison", "Matched comparison", "matched_comparison", (DATA_STATUS, *published), True
        ),
    ]


def _programme(
    slug: str,
    title: str,
    name: str,
    inputs: tuple[str, ...],
    results: bool = False,
    sources: tuple[str, ...] = (),
) -> Chapter:
    template = f"notebooks/{name}.ipynb"
    return Chapter(slug, template, PATHS, inputs, title, PROGRAMME, sources=sources, results=results)


def _about_pages() -> list[Chapter]:
    return [
        _text("methods", "Methods", ABOUT),
        _generated("outcomes", "Outcomes, samples, analyses", sources=("data_contracts",)),
        _generated("data_dictionary", "Data dictionary", sources=("data_contracts",)),
        _text("glossary", "Glossary", ABOUT),
        _text("accessibility", "Accessibility", ABOUT),
        _text("changes", "Changes", ABOUT),
    ]


def _text(slug: str, title: str, part: str) -> Chapter:
    return Chapter(slug, f"notebooks/pages/{slug}.md", (), (), title, part, kind="text")


def _generated(slug: str, title: str, *, sources: tuple[str, ...] = ()) -> Chapter:
    return Chapter(slug, f"pages/{slug}.md", (), (), title, ABOUT, kind="generated", sources=sources)
