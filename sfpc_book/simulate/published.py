"""Invented published statistics in the layout of the real files, with a known effect of adoption.

The study's own authorities keep their names and codes, because geography is read from them; every other place
is a "Synthetic Authority" with a code no real place has. `manifest.json` says that nothing here is real.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sfpc_book.simulate.published_files import write_lists, write_long_file, write_wide_files
from sfpc_book.study.study import Study

YEARS = tuple(range(2013, 2025))
FIRST_CODE = 501  # no English authority has a three-digit code from 500 to 799
FILLERS = 125
TRUTH = {"looked_after_rate": -6.0, "starts_rate": -3.0}
REGIONS = (
    ("980", "E12000001", "North East"),
    ("981", "E12000002", "North West"),
    ("982", "E12000003", "Yorkshire and The Humber"),
    ("983", "E12000004", "East Midlands"),
    ("984", "E12000005", "West Midlands"),
    ("985", "E12000006", "East of England"),
    ("987", "E13000001", "Inner London"),
    ("988", "E13000002", "Outer London"),
    ("989", "E12000008", "South East"),
    ("990", "E12000009", "South West"),
)
ENGLAND = ("970", "E92000001", "England")


@dataclass(frozen=True)
class Numbers:
    """Invented numbers by place and year.

    `places`: code, gss, name, region, level, first_year (0 = never adopted). `values_of`: measure to an array
    of shape (places, years); rates are not rounded, numbers are whole. `symbols`: (measure, code, year) to
    symbol.
    """

    places: pd.DataFrame
    values_of: dict[str, np.ndarray]
    symbols: dict[tuple[str, str, int], str]


def simulate_published(study: Study, folder: Path | str, seed: int = 20240331) -> Path:
    """Write a folder of invented published statistics.

    Parameters
    ----------
    study : Study
        Names, codes, roles and go-live dates of its authorities are used.
    folder : path
        Made if absent; files of the same name are replaced.
    seed : int
        Equal seeds and studies give equal bytes.

    Returns
    -------
    Path of the folder. `manifest.json` carries `synthetic: true`, the seed and the planted effects.
    """
    folder = Path(folder)
    (folder / "lait").mkdir(parents=True, exist_ok=True)
    (folder / "ees").mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    numbers = invent(study, generator)
    write_long_file(folder, numbers, YEARS)
    write_wide_files(folder, numbers, YEARS)
    write_lists(folder, numbers, generator)
    manifest = {"synthetic": True, "seed": seed, "truth": TRUTH, "exposure": "first_full_year"}
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8", newline="\n")
    return folder


def first_full_year(go_live: date) -> int:
    """The first year ending 31 March of which every day is on or after go-live."""
    start = go_live.year if (go_live.month, go_live.day) <= (4, 1) else go_live.year + 1
    return start + 1


def invent(study: Study, generator: np.random.Generator) -> Numbers:
    """All numbers: authorities first, then regions and England as their sums."""
    places = _authorities(study)
    population = _population(len(places), generator)
    values = _rates(places, generator)
    whole = {"population_0_17": population.round()}
    before = np.hstack([population[:, :1], population[:, :-1]])  # rates divide by the mid-year before
    for rate, number in NUMBER_OF.items():
        whole[number] = (values[rate] * before / 10000).round()
    values |= _costs_and_shares(len(places), generator)
    places, together = _with_sums(places, {**values, **whole})
    return Numbers(places, together, _symbols(places))


NUMBER_OF = {
    "looked_after_rate": "looked_after_number",
    "starts_rate": "starts_number",
    "ceasing_rate": "ceasing_number",
    "children_in_need_rate": "children_in_need_number",
    "protection_plan_rate": "protection_plan_number",
    "protection_plan_starts_rate": "protection_plan_starts_number",
    "referrals_rate": "referrals_number",
    "unaccompanied_rate": "unaccompanied_number",
}
# Level in England, spread between authorities (log scale), year-to-year noise (share of the level).
LEVELS = {
    "looked_after_rate": (66.0, 0.30, 0.03),
    "starts_rate": (27.0, 0.25, 0.09),
    "ceasing_rate": (26.0, 0.25, 0.09),
    "children_in_need_rate": (340.0, 0.25, 0.05),
    "protection_plan_rate": (43.0, 0.30, 0.12),
    "protection_plan_starts_rate": (52.0, 0.30, 0.12),
    "referrals_rate": (540.0, 0.25, 0.06),
    "unaccompanied_rate": (4.0, 0.50, 0.20),
}


def _authorities(study: Study) -> pd.DataFrame:
    region_of = {name: code for code, _, name in REGIONS}
    rows = []
    for part in study.authorities.values():
        adopted = part.role in ("trial", "pilot") and part.go_live is not None
        first = first_full_year(part.go_live.date) if adopted and part.go_live is not None else 0
        rows.append((part.la_code, part.gss_code, part.name, region_of[part.region], "authority", first))
    for number in range(1, FILLERS + 1):
        region = REGIONS[number % len(REGIONS)][0]
        name = f"Synthetic Authority {number:03d}"
        rows.append((str(FIRST_CODE + number - 1), f"E99{number:06d}", name, region, "authority", 0))
    names = ["code", "gss", "name", "region", "level", "first_year"]
    return pd.DataFrame(rows, columns=names).sort_values("code").reset_index(drop=True)


def _population(places: int, generator: np.random.Generator) -> np.ndarray:
    size = np.exp(generator.normal(np.log(60000), 0.55, size=places))
    growth = generator.normal(0.003, 0.004, size=places)
    return size[:, None] * (1 + growth[:, None]) ** np.arange(len(YEARS))


def _rates(places: pd.DataFrame, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Level, trend and autocorrelated noise of each authority; starts dip with the first lockdowns."""
    years = np.array(YEARS)
    exposed = (places["first_year"].to_numpy()[:, None] > 0) & (
        years >= places["first_year"].to_numpy()[:, None]
    )
    values = {}
    for measure, (level, spread, noise) in LEVELS.items():
        own = level * np.exp(generator.normal(0, spread, size=len(places)))[:, None]
        trend = 1 + generator.normal(0.008, 0.004, size=(len(places), 1)) * (years - years[0])
        shock = 1 + _autocorrelated(len(places), noise, generator)
        covid = np.where((years == 2021) & (measure in ("starts_rate", "referrals_rate")), 0.92, 1.0)
        effect = TRUTH.get(measure, 0.0) * exposed
        values[measure] = np.maximum(own * trend * shock * covid + effect, 1.0)
    return values


def _autocorrelated(places: int, noise: float, generator: np.random.Generator) -> np.ndarray:
    steps = generator.normal(0, noise, size=(places, len(YEARS)))
    for year in range(1, len(YEARS)):
        steps[:, year] = 0.6 * steps[:, year - 1] + np.sqrt(1 - 0.6**2) * steps[:, year]
    return steps


def _costs_and_shares(places: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    years = np.arange(len(YEARS))
    scale = np.exp(generator.normal(0, 0.2, size=(places, 1)))
    weekly = {
        "weekly_cost_looked_after": 1000.0,
        "weekly_cost_residential": 3200.0,
        "weekly_cost_fostering": 580.0,
    }
    shares = {
        "re_referrals_share": 22.0,
        "three_or_more_placements_share": 10.0,
        "unauthorised_absence_share": 5.0,
    }
    values = {key: 5 * np.round(level * scale * 1.05**years / 5) for key, level in weekly.items()}
    for key, level in shares.items():
        values[key] = np.clip(
            level * scale * (1 + generator.normal(0, 0.06, size=(places, len(years)))), 0, 100
        )
    return values


def _with_sums(
    places: pd.DataFrame, values: dict[str, np.ndarray]
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Regions and England below the authorities: numbers are sums, everything else a population mean."""
    groups = [(places["region"] == code).to_numpy() for code, _, _ in REGIONS] + [
        np.ones(len(places), dtype=bool)
    ]
    population = values["population_0_17"]
    summed = {}
    for measure, array in values.items():
        number = measure.endswith("_number") or measure == "population_0_17"
        rows = [
            array[mask].sum(0)
            if number
            else (array[mask] * population[mask]).sum(0) / population[mask].sum(0)
            for mask in groups
        ]
        summed[measure] = np.vstack([array, np.array(rows)])
    extra = [(code, gss, name, "", "region", 0) for code, gss, name in REGIONS]
    extra.append((*ENGLAND, "", "england", 0))
    together = pd.concat([places, pd.DataFrame(extra, columns=places.columns)], ignore_index=True)
    return together, summed


def _symbols(places: pd.DataFrame) -> dict[tuple[str, str, int], str]:
    """Planted gaps: a year of an adopter, two years of another place, suppressed and rounded cells."""
    adopter = places.loc[places["first_year"] > 0, "code"].iloc[0]
    fillers = places.loc[places["name"].str.startswith("Synthetic"), "code"].tolist()
    symbols = {("children_in_need_rate", adopter, 2023): "u", ("children_in_need_number", adopter, 2023): "u"}
    for year in (2021, 2022):
        symbols["children_in_need_rate", fillers[0], year] = "x"
        symbols["children_in_need_number", fillers[0], year] = "x"
    for measure in ("looked_after_rate", "looked_after_number"):
        symbols[measure, fillers[1], 2020] = "z"
    symbols["re_referrals_share", fillers[2], 2020] = "c"
    symbols["unauthorised_absence_share", fillers[3], 2022] = "k"
    symbols["protection_plan_number", fillers[4], 2024] = "low"
    return symbols
