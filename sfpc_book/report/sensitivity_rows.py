"""The sensitivities of one outcome: which rows stand beside the main one, and under which names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import PRIMARY_ANALYSIS, analysis_name, choose, has_number, row_unit
from sfpc_book.report.method_rows import (
    MAIN_CHOICES,
    blank_row,
    effect_of,
    has_change,
    is_exact,
    main_row,
)
from sfpc_book.report.specifications import worked_out
from sfpc_book.report.terms import MAIN_EXPOSURE, MAIN_SAMPLE, WITHOUT, is_effect, term_words
from sfpc_book.study.schema import Study

NOT_RECORDED = "not_estimable: no row has been recorded"
APART = "not_estimable: the outcome defines this sample"
PARTS = {False: "One authority at a time", True: "One period at a time"}


@dataclass(frozen=True)
class Variants:
    """Rows that differ from one they are held against: tidy `rows` (that one first), a label and a group for
    each; `heads` are the rows that others are held against."""

    rows: pd.DataFrame
    labels: list[str]
    groups: list[str]
    heads: list[bool]

    @property
    def main(self) -> Any | None:
        """The row the others are held against; None where there are no rows."""
        return next(self.rows.itertuples(), None)


def sample_variants(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Variants:
    """The main model on every sample of the study; a sample without a row says so."""
    return _choices(study, rows, main_row(rows, model, outcome, horizon), "sample", dict(study.samples))


def exposure_variants(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Variants:
    """The main model under every definition of exposure that is worked out for the main sample."""
    known = {name: part for name, part in study.exposures.items() if worked_out(study, MAIN_SAMPLE, name)}
    return _choices(study, rows, main_row(rows, model, outcome, horizon), "exposure", known)


def leave_out_variants(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Variants:
    """The main model without one authority, and without one period, at a time."""
    main = main_row(rows, model, outcome, horizon)
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    # The exact test of a part has the same estimate.
    parts = _inexact(study, here[here["term"].str.startswith(WITHOUT)]).drop_duplicates("term")
    labels = [_capital(term_words(term, study)) for term in parts["term"]]
    groups = [PARTS[term.startswith(f"{WITHOUT}period_")] for term in parts["term"]]
    return _beside(study, rows, main, [row for row in parts.itertuples()], labels, groups)


def change_variants(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Variants:
    """Every other change of the main model that the registry lists; one without a row is left to the list of
    what is not done."""
    main = main_row(rows, model, outcome, horizon)
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    changed = [has_change(study, name) for name in here["analysis"]]
    keep = pd.Series(changed, index=here.index, dtype=bool) & ~here["term"].str.startswith(WITHOUT)
    found = _inexact(study, here[keep])
    places = {name: place for place, name in enumerate(study.analyses)}
    found = found.iloc[found["analysis"].map(places).argsort(kind="stable")]
    labels = [_with_term(study, row) for row in found.itertuples()]
    return _beside(study, rows, main, list(found.itertuples()), labels, [""] * len(found))


def missing_variants(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Variants:
    """Each model of children that the registry has under two or more rules for missing covariates, rule by
    rule: its difference in levels, or its ratio if it gives no difference. Models with differences first."""
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    methods: dict[str, list[Any]] = {}
    for part in study.analyses.values():
        if part.missing_data is not None:
            methods.setdefault(part.estimator, []).append(part)
    found = [_by_rule(here, parts) for parts in methods.values()]
    found = sorted((part for part in found if len(part) > 1), key=lambda part: row_unit(part[0]).ratio)
    flat = [row for part in found for row in part]
    return Variants(
        _frame(rows, flat),
        [analysis_name(study, row.analysis) for row in flat],
        [""] * len(flat),
        [row is part[0] for part in found for row in part],
    )


def _by_rule(here: pd.DataFrame, parts: list[Any]) -> list[Any]:
    """One row for each rule, all in one unit: that of the first rule's effect."""
    rows = [choose(here, analysis=part.id) for part in parts]
    differences = [effect_of(part) for part in rows]
    if any(row is not None and has_number(row) for row in differences):
        return [row for row in differences if row is not None]
    ratios = [next(choose(part, term="exposed").itertuples(), None) for part in rows]
    return [row for row in ratios if row is not None]


def _inexact(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    exact = [is_exact(study, row) for row in rows.itertuples()]
    return rows[~pd.Series(exact, index=rows.index, dtype=bool)]


def _choices(
    study: Study, rows: pd.DataFrame, main: Any | None, kind: str, known: dict[str, Any]
) -> Variants:
    """The main row, then one for each other choice of one kind."""
    if main is None:
        return Variants(rows.iloc[:0], [], [], [])
    wanted = {name: getattr(main, name) for name in ("model", "outcome", "horizon")}
    found = choose(rows, analysis=PRIMARY_ANALYSIS, term="exposed", **wanted)
    parts, labels = [], []
    for name, part in known.items():
        if name in (MAIN_SAMPLE, MAIN_EXPOSURE):
            continue
        row = next(choose(found, **(MAIN_CHOICES | {kind: name})).itertuples(), None)
        status = APART if main.outcome in getattr(part, "without_outcomes", ()) else NOT_RECORDED
        parts.append(blank_row(main, status, **{kind: name}) if row is None else row)
        labels.append(part.name)
    return _beside(study, rows, main, parts, labels, [""] * len(parts))


def _beside(
    study: Study, rows: pd.DataFrame, main: Any | None, parts: list[Any], labels: list[str], groups: list[str]
) -> Variants:
    """The main row and the parts below it; nothing where either is missing."""
    if main is None or not parts:
        return Variants(rows.iloc[:0], [], [], [])
    frame = _frame(rows, [main, *parts])
    names = [f"Main: {_lower(analysis_name(study, main.analysis))}", *labels]
    return Variants(frame, names, ["", *groups], [True, *[False] * len(parts)])


def _frame(rows: pd.DataFrame, parts: list[Any]) -> pd.DataFrame:
    fields = [part if isinstance(part, dict) else part._asdict() for part in parts]
    return pd.DataFrame(fields, columns=list(rows.columns)).astype(rows.dtypes.to_dict())


def _with_term(study: Study, row: Any) -> str:
    words = term_words(str(row.term), study)
    return f"{analysis_name(study, row.analysis)}{f': {words}' if words else ''}"


def comparable(variants: Variants) -> list[tuple[str, Any]]:
    """Label and row of those that can be held against the first: with a number, in its unit, and an effect,
    not a difference of two."""
    main = variants.main
    if main is None or not has_number(main):
        return []
    unit = row_unit(main)
    return [
        (label, row)
        for label, row in zip(variants.labels[1:], list(variants.rows.itertuples())[1:], strict=True)
        if has_number(row) and row_unit(row) == unit and is_effect(str(row.term))
    ]


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def _lower(words: str) -> str:
    return f"{words[:1].lower()}{words[1:]}"
