"""Tables of the calibration study: the scenarios, what each method did, what each design could have found."""

from __future__ import annotations

import pandas as pd

from sfpc_book.report.calibration_words import (
    ALL_MODELS,
    ATTAINABLE,
    CLOSED_FORM,
    CR2,
    EXACT,
    METHODS,
    PANEL,
    POOLED,
    Rate,
    coverage_of,
    growing,
    power_of,
    rows_of,
    size_of,
    smallest_level,
    with_steady_effect,
    without_effect,
)
from sfpc_book.report.formats import (
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    PER_1000,
    Unit,
    is_missing,
    number,
    percentage,
    unit_of,
    within_sentence,
)
from sfpc_book.report.table import TableContent
from sfpc_book.study.schema import Study

SOURCE = "Simulated trials of the design, seeded; sizes of cells as in the data, no outcomes"


def scenarios_table(study: Study, caption: str) -> TableContent:
    """What was planted in each scenario; sizes per 1,000 children."""
    rows = [
        {
            "Scenario": part.name,
            "Effect": PER_1000.show(part.effect, signed=True),
            "Begins after, months": number(part.delay_months),
            "Grows for, months": number(part.ramp_months),
            "Between periods": PER_1000.show(part.cell_deviation),
            "Carried over": number(part.cell_autocorrelation, 1),
            "Own trend a year": PER_1000.show(part.trend_deviation),
            "Under lockdown": PER_1000.show(part.shock_deviation),
        }
        for part in study.calibration.scenarios.values()
    ]
    note = (
        "Effects and deviations per 1,000 children. Deviations are standard deviations, drawn anew for each "
        "authority in each simulated trial."
    )
    return TableContent(pd.DataFrame(rows), caption, (note,), "Study file")


def methods_table(study: Study, rows: pd.DataFrame, model: str, caption: str) -> TableContent | None:
    """One row for each method: how often it errs, covers and finds, its bias, its width, its failures."""
    own = rows[rows["model"] == model]
    if own.empty:
        return None
    present = [name for name in METHODS if (own["method"] == name).any()]
    cells = pd.DataFrame([_method_cells(study, own, model, name) for name in present])
    notes = (
        "Averages over scenarios, with the lowest and the highest scenario in brackets. A method that gave "
        "no result in a trial did not reject in it.",
        "A method should reject as often as its level says, and cover as often as is left to one. An exact "
        "test cannot reject at a level below its smallest p; its rate is then zero by design.",
        "Bias and width are per 1,000 children where they say no other unit; bias with a steady effect is an "
        "average over all scenarios but the growing one.",
    )
    return TableContent(cells, caption, notes, SOURCE, own)


def _method_cells(study: Study, own: pd.DataFrame, model: str, method: str) -> dict[str, str]:
    size, coverage = size_of(study, own, model, method), coverage_of(study, own, model, method)
    late = rows_of(own, model, method, growing(study))
    steady = rows_of(own, model, method, (*without_effect(study), *with_steady_effect(study)))
    unit = unit_of(str(own.loc[own["method"] == method, "unit"].iloc[0]))
    failed = 1 - float(own.loc[own["method"] == method, "tested"].mean())
    scale = f" {unit.short}" if unit.short != PER_1000.short else ""
    return {
        "Method": METHODS[method],
        "Rejects without effect": size.text(),
        "Level": percentage(size.nominal),
        "Monte Carlo error": percentage(size.error),
        "Covers": coverage.text(),
        "Finds a steady effect": power_of(study, own, model, method).text(),
        "Bias, steady": _mean(steady["bias"], unit, scale, signed=True),
        "Bias, growing": _mean(late["bias"], unit, scale, signed=True),
        "Width": _mean(steady["width"], unit, scale),
        "No result": percentage(failed),
        "Trials": number(size.size),
    }


def _mean(values: pd.Series, unit: Unit, scale: str, *, signed: bool = False) -> str:
    known = values.dropna()
    return unit.show(float(known.mean()), signed=signed) + scale if len(known) else NOT_AVAILABLE


def leading_table(study: Study, rows: pd.DataFrame, caption: str) -> TableContent | None:
    """How often the leading methods reject in each scenario: one row for each scenario, a column for each
    model."""
    if rows.empty:
        return None
    table = []
    for key, part in study.calibration.scenarios.items():
        line = {"Scenario": part.name}
        for model, own in study.models.items():
            line[f"{own.name}: CR2"] = _rejects(rows, model, CR2, key)
            line[f"{own.name}: exact"] = _rejects(rows, model, _exact(rows, model), key)
        line["Pooled: exact"] = _rejects(rows, ALL_MODELS, POOLED, key)
        table.append(line)
    levels = [f"{own.name}: {percentage(_level(study, rows, model))}" for model, own in study.models.items()]
    of_level = "; ".join(levels)
    note = f"Share of simulated trials in which the test rejects. Level of the exact tests: {of_level}."
    chosen = rows[rows["method"].isin((CR2, EXACT, ATTAINABLE, POOLED))]
    return TableContent(pd.DataFrame(table), caption, (note,), SOURCE, chosen)


def _exact(rows: pd.DataFrame, model: str) -> str:
    """The exact test at the study's level where it can reach it, else at the smallest that it can."""
    asked = rows.loc[(rows["model"] == model) & (rows["method"] == EXACT), "nominal_size"]
    smallest = smallest_level(rows, model)
    return EXACT if len(asked) and float(asked.iloc[0]) >= smallest - 1e-9 else ATTAINABLE


def _level(study: Study, rows: pd.DataFrame, model: str) -> float:
    if _exact(rows, model) == EXACT:
        return 1 - study.conf_level
    return smallest_level(rows, model)


def _rejects(rows: pd.DataFrame, model: str, method: str, scenario: str) -> str:
    found = rows_of(rows, model, method, (scenario,))
    return percentage(float(found["rejection"].iloc[0])) if len(found) else NOT_AVAILABLE


def detectable_table(study: Study, detectable: pd.DataFrame, caption: str) -> TableContent | None:
    """The smallest effect found with the power of the study, by what is assumed and by the test."""
    if detectable.empty:
        return None
    closed = detectable[detectable["method"] == CLOSED_FORM]
    lines = [
        {"Assumed": f"Closed form, intracluster correlation {number(row.intracluster_correlation, 3)}"}
        | _found(closed.loc[[row.Index]].assign(method=PANEL))
        for row in closed.itertuples()
    ]
    for key in dict.fromkeys(detectable["scenario"].dropna()):
        if key in study.calibration.scenarios:
            name, own = study.calibration.scenarios[key].name, detectable[detectable["scenario"] == key]
            lines.append({"Assumed": f"Simulated noise: {_noise_words(name)}"} | _found(own))
    attainable = detectable.loc[detectable["method"] == ATTAINABLE, "alpha"]
    level = percentage(float(attainable.iloc[0])) if len(attainable) else NOT_AVAILABLE
    notes = (
        f"Per 1,000 children, found with {percentage(study.calibration.detectable.power, 0)} probability at "
        f"the {percentage(1 - study.conf_level, 0)} level. The last column is at {level}, the smallest level "
        "that the exact test can reach.",
        f"{NOT_AVAILABLE} where no size of effect reaches this probability.",
    )
    return TableContent(pd.DataFrame(lines), caption, notes, SOURCE, detectable)


def _noise_words(name: str) -> str:
    """What varies in a scenario without an effect, since the effect is what is sought here: its name after a
    colon, or the whole name.
    """
    return within_sentence(name.partition(": ")[2] or name)


def _found(rows: pd.DataFrame) -> dict[str, str]:
    columns = {
        PANEL: "Panel model, t",
        CR2: "Panel model, CR2",
        EXACT: "Exact test",
        ATTAINABLE: "Exact test, smallest level",
    }
    found = {}
    for method, words in columns.items():
        own = rows[rows["method"] == method]
        found[words] = PER_1000.show(float(own["detectable"].iloc[0])) if len(own) else NOT_APPLICABLE
    return found


def misses(rate: Rate) -> str:
    """Whether a rate is that intended, in words."""
    if is_missing(rate.miss):
        return "was not simulated"
    if rate.miss == 0:
        return "within Monte Carlo error"
    way = "above" if rate.miss > 0 else "below"
    return f"{number(abs(rate.miss) * 100, 1)} percentage points {way} it"
