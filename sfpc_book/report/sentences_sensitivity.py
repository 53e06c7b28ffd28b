"""How far an estimate moves under other choices: the range, the row farthest away, rows without a number.

No sentence counts rows as votes: rows share children and assumptions, and none is a test of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sfpc_book.report.estimate_rows import has_number, outcome_name, row_unit, status_text, within_text
from sfpc_book.report.formats import (
    counted,
    is_missing,
    level_text,
    listed,
    number,
    unit_of,
    whole_percentage,
    within_sentence,
)
from sfpc_book.report.reliability import doubt_of
from sfpc_book.report.sensitivity_rows import (
    Variants,
    change_variants,
    comparable,
    exposure_variants,
    leave_out_variants,
    missing_variants,
    sample_variants,
)
from sfpc_book.report.sentences import amount, difference_size, range_words, rounds_to_zero
from sfpc_book.report.specifications import choices_words, specification_frame
from sfpc_book.report.words import bullets, paragraph
from sfpc_book.study.schema import Study

NOT_VOTES = "The rows share children and assumptions: they are no votes, and none is a test of another."
NAMED = 6  # no more rows without a number are named one by one


def samples_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How far the main estimate moves over the samples."""
    text = _spread(study, sample_variants(study, rows, model, outcome, horizon), "on other samples")
    return paragraph([text, NOT_VOTES])


def exposures_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How far it moves over the definitions of exposure, and the caution that some of them need."""
    text = _spread(study, exposure_variants(study, rows, model, outcome, horizon), "by other definitions")
    cautions = {part.caution: [] for part in study.exposures.values() if part.caution}
    for part in study.exposures.values():
        if part.caution:
            cautions[part.caution].append(f"“{part.name}”")
    said = [f"Caution with {listed(names)}: {_sentence(caution)}" for caution, names in cautions.items()]
    return paragraph([text, *said])


def leave_out_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How far it moves when one authority or period at a time is left out."""
    found = leave_out_variants(study, rows, model, outcome, horizon)
    text = _spread(study, found, "without one authority or period")
    few = "With few authorities, leaving one out moves an estimate by chance alone."
    return paragraph([text, few if not found.rows.empty else ""])


def changes_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How far it moves when one respect of the main model is changed."""
    found = change_variants(study, rows, model, outcome, horizon)
    return paragraph([_spread(study, found, "with one thing changed")])


def missing_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """Each model under its rules for missing covariates, and how much information missing values cost."""
    found = missing_variants(study, rows, model, outcome, horizon)
    if found.rows.empty:
        return "No model has been recorded under more than one rule for missing covariates."
    items = [
        f"{label}: {_short(study, row)}{_information(row)}."
        for label, row in zip(found.labels, found.rows.itertuples(), strict=True)
    ]
    reading = (
        "The rules fill the same gap by different assumptions about children whose covariates are missing; "
        "the data cannot say which of them is right."
    )
    return f"{bullets(items)}\n\n{reading}"


def spread_of(study: Study, variants: Variants, words: str) -> str:
    """The range of a group of rows beside the one they are held against (see the module)."""
    return _spread(study, variants, words)


def _spread(study: Study, variants: Variants, words: str) -> str:
    main = variants.main
    if main is None:
        return f"No estimate {words} has been recorded."
    if not has_number(main) or doubt_of(study, main):
        return (
            f"The main estimate itself is not to be read ({_why(study, main)}), so none is held against it."
        )
    known = [(label, row) for label, row in comparable(variants) if not doubt_of(study, row)]
    none = _without(study, variants)
    if not known:
        return paragraph([f"No estimate {words} has a number to be read.", none])
    unit = row_unit(main)
    values = [row.estimate for _, row in known]
    beside = f"Beside {amount(main.estimate, unit)} in the main row"
    if len(known) == 1:
        said = f"{beside}, the one other estimate {words}, “{known[0][0]}”, is {amount(values[0], unit)}."
    else:
        said = (
            f"{beside}, the {len(known)} estimates {words} run from "
            f"{range_words(min(values), max(values), unit)}."
        )
    return paragraph([said, _farthest(main, known) if len(known) > 1 else "", none])


def _farthest(main: Any, known: Sequence[tuple[str, Any]]) -> str:
    unit = row_unit(main)
    label, row = max(known, key=lambda pair: abs(pair[1].estimate - main.estimate))
    moved = row.estimate - main.estimate
    if unit.ratio:
        return f"Farthest from it lies “{label}”, with {amount(row.estimate, unit, about=False)}."
    if rounds_to_zero(moved, unit):
        return "No row moves by more than rounding hides."
    return (
        f"Farthest from it lies “{label}”, with {amount(row.estimate, unit, about=False)}: a move of "
        f"{difference_size(moved, unit)}."
    )


def _without(study: Study, variants: Variants) -> str:
    """Which rows have no number to be read, and why."""
    rows = list(zip(variants.labels, variants.rows.itertuples(), strict=True))[1:]
    none = [(label, _why(study, row)) for label, row in rows if _why(study, row)]
    if not none:
        return ""
    if len(none) > NAMED:
        return f"{counted(len(none), 'row')} have no number to be read; the table says why for each."
    reasons: dict[str, list[str]] = {}
    for label, reason in none:
        reasons.setdefault(reason, []).append(f"“{label}”")
    named = "; ".join(f"{listed(labels)} ({reason})" for reason, labels in reasons.items())
    return f"Without a number to be read: {named}."


def _why(study: Study, row: Any) -> str:
    if not has_number(row):
        return status_text(row)
    doubt = doubt_of(study, row)
    return f"the estimate {doubt}" if doubt else ""


def _short(study: Study, row: Any) -> str:
    if reason := _why(study, row):
        return reason
    unit = row_unit(row)
    ends = "no interval"
    if not is_missing(row.conf_low) and not is_missing(row.conf_high):
        ends = f"{level_text(row.conf_level)} interval {range_words(row.conf_low, row.conf_high, unit)}"
    return f"{amount(row.estimate, unit)} ({ends})"


def _information(row: Any) -> str:
    if is_missing(row.missing_information):
        return ""
    share = whole_percentage(row.missing_information)
    return f"; missing values cost {share} of the information on it"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def specification_sentences(study: Study, rows: pd.DataFrame, model: str, outcome: str, horizon: int) -> str:
    """How many specifications lie on each side of zero and leave it out, with the warning that this is no
    test; and those without a number, by reason."""
    frame = specification_frame(study, rows, model, outcome, horizon)
    what = f"“{outcome_name(study, outcome)}” {within_text(study.outcomes[outcome], horizon)}"
    if frame.empty:
        return "The study file declares no grid of specifications."
    known = frame[frame["reason"] == ""]
    if known.empty:
        return paragraph(
            [f"For {what}, none of {counted(len(frame), 'specification')} has a number.", _reasons(frame)]
        )
    unit = unit_of(study.outcomes[outcome].unit)
    ends = known.dropna(subset=["low", "high"])
    out = int(((ends["low"] > 0) | (ends["high"] < 0)).sum())
    low, high = known["value"].min() / unit.factor, known["value"].max() / unit.factor
    return paragraph(
        [
            f"For {what}, {len(known)} of the {counted(len(frame), 'specification')} that the study file "
            f"declares have a number. They run from {range_words(low, high, unit)}.",
            f"{int((known['value'] < 0).sum())} lie below zero and {int((known['value'] > 0).sum())} above; "
            f"{out} of {counted(len(ends), 'interval')} {'leaves' if out == 1 else 'leave'} out zero.",
            "These counts are no test: the specifications share the same children, so they are not "
            "independent, and their number follows from what was listed, not from the evidence.",
            _main_place(known),
            _reasons(frame),
            _outside_the_grid(study),
        ]
    )


def _outside_the_grid(study: Study) -> str:
    """The samples and definitions of exposure that the grid leaves out, by name."""
    grid = study.specifications
    left = [part.name for name, part in study.samples.items() if grid.samples and name not in grid.samples]
    left += [
        part.name for name, part in study.exposures.items() if grid.exposures and name not in grid.exposures
    ]
    named = listed([f"“{within_sentence(name)}”" for name in left])
    return f"Not in the grid, and shown above: {named}." if left else ""


def _main_place(known: pd.DataFrame) -> str:
    ordered = known.sort_values("value", kind="stable").reset_index(drop=True)
    place = ordered.index[ordered["main"]]
    if not len(place):
        return "The main specification has no number."
    return f"Sorted from the lowest, the main specification stands at place {int(place[0]) + 1}."


def _reasons(frame: pd.DataFrame) -> str:
    none = frame[frame["reason"] != ""]
    if none.empty:
        return ""
    counts = none["reason"].value_counts(sort=False)
    said = listed([f"{number(n)} ({reason})" for reason, n in counts.items()])
    return f"Without a number: {said}; each is listed below."


def unfinished_cells(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """The specifications without a number, each with its reason: columns Specification, Why there is no
    number."""
    none = frame[frame["reason"] != ""]
    return pd.DataFrame(
        {
            "Specification": [choices_words(study, row) for row in none.itertuples()],
            "Why there is no number": [f"{text[:1].upper()}{text[1:]}" for text in none["reason"]],
        }
    )
