"""Faults of a study file that no single key can show: references, roles, dates, windows.

Works on the raw mapping and tolerates what the schema rejects: both kinds of fault are listed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sfpc_book.study.calibration import Baseline

BASELINE = {"lowest": Baseline().lowest, "highest": Baseline().highest}


@dataclass(frozen=True)
class Fault:
    """What is wrong, and the path of keys to it."""

    where: tuple[str | int, ...]
    text: str


def cross_faults(raw: Mapping[str, Any]) -> list[Fault]:
    """All faults between parts of the study."""
    models, authorities = _mapping(raw, "models"), _mapping(raw, "authorities")
    outcomes = _mapping(raw, "outcomes")
    faults: list[Fault] = [*_statistic_faults(_mapping(raw, "analyses"))]
    for key, model in models.items():
        if isinstance(model, Mapping):
            faults += _member_faults(key, model, authorities)
            faults += _outcome_faults(key, model, outcomes)
            faults += _go_live_faults(key, model, authorities, raw)
            faults += _age_faults(key, model)
    faults += [*_repeated(authorities), *_orphans(models, authorities), *_band_faults(raw)]
    faults += _left_faults(models, authorities)
    faults += _grid_faults(raw)
    faults += _calibration_faults(raw)
    return [*faults, *_reliability_faults(raw), *_registry_faults(raw, outcomes)]


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


def _statistic_faults(analyses: Mapping[str, Any]) -> Iterator[Fault]:
    """One statistic for all exact tests, in the row that they rest on; elsewhere it would be passed over."""
    for key, part in analyses.items():
        if key != "randomisation" and isinstance(part, Mapping) and part.get("statistic"):
            text = "the statistic of all exact tests stands in 'randomisation'; take it out here"
            yield Fault(("analyses", key, "statistic"), text)


def _members(model: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any, str]]:
    trial = model.get("trial")
    for index, slug in enumerate(trial if isinstance(trial, list) else []):
        yield ("trial", index), slug, "trial"
    for role in ("pilot", "innovator"):
        if role in model:
            yield (role,), model[role], role


def _member_faults(key: str, model: Mapping[str, Any], authorities: Mapping[str, Any]) -> Iterator[Fault]:
    for where, slug, role in _members(model):
        part = authorities.get(slug)
        if not isinstance(part, Mapping):
            known = ", ".join(map(str, authorities))
            yield Fault(("models", key, *where), f"unknown authority '{slug}'. Known authorities: {known}")
        elif part.get("role") != role:
            text = f"'{slug}' stands here as {role}, but its role is '{part.get('role')}'; make the two agree"
            yield Fault(("models", key, *where), text)
        elif role == "trial" and not part.get("go_live"):
            yield Fault(
                ("authorities", slug), f"trial authority '{slug}' has no go_live; add date, status, source"
            )
        elif role == "trial" and model.get("restriction") == "stratified" and not part.get("stratum"):
            text = f"'{slug}' has no stratum, but '{key}' was randomised within strata. Allowed: high, low"
            yield Fault(("authorities", slug), text)


def _outcome_faults(key: str, model: Mapping[str, Any], outcomes: Mapping[str, Any]) -> Iterator[Fault]:
    listed = model.get("outcomes")
    for index, outcome in enumerate(listed if isinstance(listed, list) else []):
        if outcome not in outcomes:
            known = ", ".join(map(str, outcomes))
            yield Fault(
                ("models", key, "outcomes", index), f"unknown outcome '{outcome}'. Known outcomes: {known}"
            )


def _go_live_faults(
    key: str, model: Mapping[str, Any], authorities: Mapping[str, Any], raw: Mapping[str, Any]
) -> Iterator[Fault]:
    """Go-lives outside the programme or outside a trial window that the file fixes."""
    window = _mapping(model, "window")
    programme = _mapping(raw, "programme")
    bounds = (
        ("the trial window", window.get("start"), window.get("end")),
        ("the programme", programme.get("start"), programme.get("end")),
    )
    for _, slug, role in _members(model):
        part = authorities.get(slug)
        go_live = part.get("go_live") if isinstance(part, Mapping) else None
        day = go_live.get("date") if isinstance(go_live, Mapping) else None
        if role != "trial" or not isinstance(day, date):
            continue
        for what, start, end in bounds:
            if (isinstance(start, date) and day < start) or (isinstance(end, date) and day > end):
                text = f"go-live {day} of '{slug}' ({key}) lies outside {what}, {start} to {end}"
                yield Fault(("authorities", slug, "go_live", "date"), text)


def _age_faults(key: str, model: Mapping[str, Any]) -> Iterator[Fault]:
    low, high = model.get("age_minimum"), model.get("age_maximum")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Fault(("models", key, "age_minimum"), f"age_minimum {low} is above age_maximum {high}")


def _repeated(authorities: Mapping[str, Any]) -> Iterator[Fault]:
    for field in ("gss_code", "la_code", "name"):
        seen: dict[Any, str] = {}
        for slug, part in authorities.items():
            value = part.get(field) if isinstance(part, Mapping) else None
            if value is not None and value in seen:
                text = f"{field} {value} of '{slug}' is also that of '{seen[value]}'; each must be unique"
                yield Fault(("authorities", slug, field), text)
            elif value is not None:
                seen[value] = slug


def _orphans(models: Mapping[str, Any], authorities: Mapping[str, Any]) -> Iterator[Fault]:
    placed = [
        slug for model in models.values() if isinstance(model, Mapping) for _, slug, _ in _members(model)
    ]
    for slug in sorted({slug for slug in placed if placed.count(slug) > 1 and isinstance(slug, str)}):
        yield Fault(("authorities", slug), f"'{slug}' stands in more than one place of the models")
    for slug, part in authorities.items():
        if isinstance(part, Mapping) and part.get("role") in ("trial", "pilot") and slug not in placed:
            text = (
                f"'{slug}' has role '{part['role']}' but stands in no model; add it to one or change its role"
            )
            yield Fault(("authorities", slug, "role"), text)


def _left_faults(models: Mapping[str, Any], authorities: Mapping[str, Any]) -> Iterator[Fault]:
    """An authority that withdrew from a trial must say which: a sample that asks for it would pass it over in
    silence."""
    for slug, part in authorities.items():
        left = part.get("left_model") if isinstance(part, Mapping) else None
        if isinstance(part, Mapping) and (part.get("role") == "left") != (left in models):
            text = (
                f"'{slug}' has role '{part.get('role')}' and left_model '{left}'; one with role left, "
                f"and no other, has one. Known models: {', '.join(map(str, models))}"
            )
            yield Fault(("authorities", slug), text)


def _registry_faults(raw: Mapping[str, Any], outcomes: Mapping[str, Any]) -> Iterator[Fault]:
    """The main sample and exposure must be there as such, and what the others name must be known."""
    samples, exposures = _mapping(raw, "samples"), _mapping(raw, "exposures")
    for group, parts, key in (("samples", samples, "main"), ("exposures", exposures, "go_live")):
        if key not in parts:
            yield Fault((group,), f"there is no '{key}' among the {group}; every other one is a change of it")
    main = _mapping(samples, "main")
    if main.get("index", "first_in_window") != "first_in_window" or main.get("with_left"):
        yield Fault(("samples", "main"), "the main sample is of first referrals in the window of the trial")
    if _mapping(exposures, "go_live").get("samples") is not None:
        yield Fault(("exposures", "go_live", "samples"), "'go_live' is worked out for every sample: null")
    for group, parts, field, known in (
        ("samples", samples, "without_outcomes", outcomes),
        ("exposures", exposures, "samples", samples),
    ):
        for key in parts:
            for index, name in enumerate(_mapping(parts, key).get(field) or ()):
                if name not in known:
                    text = f"unknown name '{name}' in {field} of '{key}'. Known: {', '.join(map(str, known))}"
                    yield Fault((group, key, field, index), text)


def _grid_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """What the grid of the specification curve names must be in the registries."""
    grid = _mapping(raw, "specifications")
    for field in ("analyses", "samples", "exposures"):
        known = _mapping(raw, field)
        for index, name in enumerate(grid.get(field) or ()):
            if name not in known:
                text = f"unknown name '{name}' in the grid. Known {field}: {', '.join(map(str, known))}"
                yield Fault(("specifications", field, index), text)


def _calibration_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Scenarios that would leave the range of a risk, or could not mean anything."""
    part = _mapping(raw, "calibration")
    scenarios = {key: item for key, item in _mapping(part, "scenarios").items() if isinstance(item, Mapping)}
    baseline = _mapping(part, "baseline")
    low, high = (_number(baseline.get(key, default)) for key, default in BASELINE.items())
    if low > high:
        yield Fault(("calibration", "baseline", "lowest"), f"lowest {low} is above highest {high}")
    if scenarios and all(_number(item.get("effect", 0)) for item in scenarios.values()):
        text = "every scenario has an effect; one without is needed to see how often a method errs"
        yield Fault(("calibration", "scenarios"), text)
    for key, item in scenarios.items():
        effect, where = _number(item.get("effect", 0)), ("calibration", "scenarios", key)
        if not (low + effect > 0 and high + effect < 1):
            text = f"effect {effect} takes a risk of {low} to {high} out of 0 to 1; choose a smaller one"
            yield Fault((*where, "effect"), text)
        if not effect and (item.get("delay_months") or item.get("ramp_months")):
            yield Fault(where, f"'{key}' has a delay or a ramp but no effect; give it one, or take them out")
        if item.get("shock_deviation") and not raw.get("covid"):
            text = "a shock falls on lockdowns, and 'covid' lists none; list them, or take the shock out"
            yield Fault((*where, "shock_deviation"), text)
        if item.get("cell_autocorrelation") and not item.get("cell_deviation"):
            text = f"'{key}' has cell_autocorrelation without cell_deviation; give it one, or take it out"
            yield Fault((*where, "cell_autocorrelation"), text)


def _number(value: Any) -> float:
    """A number, or 0 for what the schema rejects anyway."""
    return float(value) if isinstance(value, int | float) else 0.0


def _reliability_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Limits below the disclosure threshold would call counts readable that are not even shown."""
    threshold = _mapping(raw, "disclosure").get("threshold")
    for key, value in _mapping(raw, "reliability").items():
        if isinstance(value, int) and isinstance(threshold, int) and value < threshold:
            text = f"{key} {value} is below the disclosure threshold {threshold}; raise it to that at least"
            yield Fault(("reliability", key), text)


def _band_faults(raw: Mapping[str, Any]) -> Iterator[Fault]:
    for index, band in enumerate(raw.get("covid") or []):
        start, end = (band.get("start"), band.get("end")) if isinstance(band, Mapping) else (None, None)
        if isinstance(start, date) and isinstance(end, date) and end < start:
            yield Fault(("covid", index, "end"), f"'{band.get('name')}' ends before it starts")
