"""Which rows of an outcome stand side by side: by method, by sample, by exposure, by what was changed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import (
    ATTAINABLE,
    PRIMARY_ANALYSIS,
    RANDOMISATION,
    analysis_name,
    choose,
    has_number,
    of_main,
    row_unit,
)
from sfpc_book.report.formats import is_missing
from sfpc_book.report.terms import (
    LEVELS,
    MAIN_EXPOSURE,
    MAIN_SAMPLE,
    RISK_DIFFERENCE,
    RISK_DIFFERENCE_EXPOSED,
    STANDARDISED,
    WITHOUT,
    plan_status_of,
    term_words,
)
from sfpc_book.study.schema import Study

ROW_KEY = ("model", "outcome", "horizon", "sample", "exposure", "analysis", "term")
NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high", "truth")
MAIN_CHOICES = {"sample": MAIN_SAMPLE, "exposure": MAIN_EXPOSURE}
MAIN_EXACT = (RANDOMISATION, ATTAINABLE)
ELSEWHERE = ("exposure_time", "pooled_randomisation")  # they have charts of their own
RATIO_ONLY = "a ratio only: see the chart of ratios"


def together(*frames: pd.DataFrame) -> pd.DataFrame:
    """Rows of several tables of estimates below each other; a row that stands in two is taken once.

    A count that one table hides and another knows is taken from that: a row is judged by what it rests on.
    """
    rows = pd.concat(frames, ignore_index=True)
    keys = [rows[name].astype(str) for name in ROW_KEY]
    for name in ("n_children", "n_events"):
        rows[name] = rows[name].fillna(rows.groupby(keys, sort=False)[name].transform("first"))
    return rows.drop_duplicates(list(ROW_KEY)).reset_index(drop=True)


def without_repeats(rows: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """The rows that another chapter has not recorded, so that no row stands twice in the book."""
    known = set(map(tuple, recorded[list(ROW_KEY)].astype(str).to_numpy()))
    keys = map(tuple, rows[list(ROW_KEY)].astype(str).to_numpy())
    return rows[[key not in known for key in keys]].reset_index(drop=True)


def left_to_sensitivity(rows: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    """The rows that no chapter on outcomes records: not those recorded, nor the same analyses of the main
    sample and definition of exposure for other outcomes and horizons."""
    new = without_repeats(rows, recorded)
    elsewhere = new["analysis"].isin(of_main(recorded)["analysis"]) & new.index.isin(of_main(new).index)
    return new[~elsewhere].reset_index(drop=True)


def blank_row(like: Any, status: str, **changes: object) -> dict[str, object]:
    """A row without a number where none was recorded, in all else like another."""
    fields = dict(like._asdict()) if hasattr(like, "_asdict") else dict(like)
    fields.pop("Index", None)
    return fields | dict.fromkeys(NUMBERS, math.nan) | {"status": status, "n_orders": None} | changes


def main_row(rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> Any | None:
    """The main model's row of an outcome at a horizon; None if none was recorded."""
    wanted = {"model": model, "outcome": outcome, "horizon": horizon, "analysis": PRIMARY_ANALYSIS}
    return next(choose(rows, term="exposed", **wanted, **MAIN_CHOICES).itertuples(), None)


def is_main(row: Any) -> bool:
    """Whether a row is that of the main model on the main sample and definition of exposure."""
    chosen = (row.analysis, row.term, row.sample, row.exposure)
    return chosen == (PRIMARY_ANALYSIS, "exposed", MAIN_SAMPLE, MAIN_EXPOSURE)


def is_exact(study: Study, row: Any) -> bool:
    """Whether a row is an exact test: its estimate is that of another row, its p-value its own."""
    if not is_missing(row.n_orders):
        return True
    part = study.analyses.get(str(row.analysis))
    names = (str(row.analysis), (part and part.method) or "")
    return any(name.startswith("randomisation") or name.endswith("_randomisation") for name in names)


def exact_rows(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> pd.DataFrame:
    """Every exact test of an outcome at a horizon, those of changed models and of parts left out included."""
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    exact = pd.Series([is_exact(study, row) for row in here.itertuples()], index=here.index, dtype=bool)
    found = here[exact]
    return _planned_first(study, found[found["analysis"] != "pooled_randomisation"])


def has_change(study: Study, analysis: str) -> bool:
    """Whether an analysis is a sensitivity that changes one respect of the main model."""
    return analysis in study.analyses and study.analyses[analysis].change is not None


def absolute_rows(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> pd.DataFrame:
    """One row or more for every method: the difference in levels, planned methods first, the main one on top.

    A method that gives a ratio only, or nothing, has one row without a number that says so. Differences among
    the exposed alone stand in the table of estimates, exact tests by other statistics in their own (see
    `exact_rows`).
    """
    here = _of_methods(study, rows, model, outcome, horizon)
    kept: list[dict[str, object]] = []
    for name, part in here.groupby("analysis", sort=False):
        if name not in MAIN_EXACT and is_exact(study, next(part.itertuples())):
            continue
        kept += _differences(part, study.outcomes[outcome].unit)
    return _planned_first(study, pd.DataFrame(kept, columns=rows.columns))


def relative_rows(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> pd.DataFrame:
    """Every ratio of an outcome at a horizon: risk ratios, then odds ratios, planned methods first."""
    here = _of_methods(study, rows, model, outcome, horizon)
    ratio = pd.Series([row_unit(row).ratio for row in here.itertuples()], index=here.index, dtype=bool)
    ratios = _planned_first(study, here[ratio])
    order = ratios["unit"].map({"log risk ratio": 0, "log odds ratio": 1}).fillna(2)
    return ratios.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def method_label(study: Study, row: Any) -> str:
    """The name of a row's method, with its term where that is not the plain effect."""
    name = analysis_name(study, row.analysis)
    if is_main(row):
        return f"Main: {name[:1].lower()}{name[1:]}"
    if row_unit(row).ratio:
        return name if row.term in STANDARDISED else f"{name}, given the authority"
    said = "" if row.term == RISK_DIFFERENCE else term_words(str(row.term), study)
    return f"{name}, {said}" if said else name


def effect_of(part: pd.DataFrame) -> Any | None:
    """The row of one analysis that is its difference in levels; None where it has none."""
    plain = [row for row in part.itertuples() if not row_unit(row).ratio and row.term not in LEVELS]
    order = {"exposed": 0, RISK_DIFFERENCE: 1}
    return min(plain, key=lambda row: order.get(str(row.term), 2), default=None)


def _of_methods(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> pd.DataFrame:
    here = choose(rows, model=model, outcome=outcome, horizon=horizon, **MAIN_CHOICES)
    changed = [has_change(study, analysis) for analysis in here["analysis"]]
    apart = here["analysis"].isin(ELSEWHERE) | here["term"].str.startswith(WITHOUT)
    return here[~(apart | pd.Series(changed, index=here.index, dtype=bool))]


def _differences(part: pd.DataFrame, unit: str) -> list[dict[str, object]]:
    """The differences of one method; one row with a reason where it has none."""
    apart = (*LEVELS, RISK_DIFFERENCE_EXPOSED)
    plain = [row for row in part.itertuples() if not row_unit(row).ratio and row.term not in apart]
    known = [row for row in plain if has_number(row)]
    if known:
        return [_fields(row) for row in known]
    if plain:
        return [_fields(plain[0])]
    first = next(part.itertuples())
    status = RATIO_ONLY if has_number(first) else str(first.status)
    return [blank_row(first, status, unit=unit)]


def _fields(row: Any) -> dict[str, object]:
    fields = dict(row._asdict())
    fields.pop("Index")
    return fields


def _planned_first(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    places = {name: place for place, name in enumerate(study.analyses)}
    keys = [
        (not is_main(row), plan_status_of(study, row) != "planned", places.get(row.analysis, len(places)))
        for row in rows.itertuples()
    ]
    order = sorted(range(len(rows)), key=lambda place: keys[place])
    return rows.iloc[order].reset_index(drop=True)


def groups_of(study: Study, rows: pd.DataFrame) -> list[str]:
    """The heading of each row by its plan status."""
    words = {"planned": "Listed as planned", "exploratory": "Exploratory"}
    return [words[plan_status_of(study, row)] for row in rows.itertuples()]


def labels_of(study: Study, rows: Iterable[Any]) -> list[str]:
    """`method_label` of each row."""
    return [method_label(study, row) for row in rows]
