"""Write invented published statistics as the publishers write theirs: a long file, wide CSVs, workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from sfpc_book.simulate.published import Numbers

# The long file's series; financial years are written as the outturn writes them.
SERIES = {
    "LAC": "looked_after_rate",
    "LACnum": "looked_after_number",
    "LAC_Start_Rate": "starts_rate",
    "LACnum_Start": "starts_number",
    "LACceased": "ceasing_number",
    "Unacc_Asylmn_Seek_Childn": "unaccompanied_number",
    "CIN": "children_in_need_rate",
    "CPP_rate": "protection_plan_rate",
    "CPP_Num": "protection_plan_number",
    "CPP_Total_Rateper10,000": "referrals_rate",
    "CPP_Total_NumRef": "referrals_number",
    "LACFinance": "weekly_cost_looked_after",
    "RescareFinance": "weekly_cost_residential",
    "FosteringFinance": "weekly_cost_fostering",
}
ONE_DECIMAL = {"children_in_need_rate", "protection_plan_rate", "referrals_rate"}
SHARES = {"re_referrals_share", "three_or_more_placements_share", "unauthorised_absence_share"}
# Wide files: name, first year, extra columns and their levels, and value columns as column: measure.
LOOKED_AFTER = {
    "Children looked after at 31 March each year": ("looked_after_number", "looked_after_rate"),
    "Children starting to be looked after each year": ("starts_number", "starts_rate"),
    "Children ceasing to be looked after each year": ("ceasing_number", "ceasing_rate"),
}
WIDE = (
    ("b1_children_in_need_2013_to_2024.csv", 2013, {"category": "Children in Need"},
     {"At31_episodes": "children_in_need_number", "At31_episodes_rate": "children_in_need_rate"}),
    ("c1_children_in_need_referrals_and_rereferrals_2013_to_2024.csv", 2013,
     {"category": "Referrals and Re-referrals"},
     {"Referrals": "referrals_number", "Referrals_rate": "referrals_rate",
      "Re_referrals_percent": "re_referrals_share"}),
    ("d5_cpps_at31march_by_duration_2013_to_2024.csv", 2013,
     {"category": "Child Protection Plans by length of time"},
     {"CPP_At31": "protection_plan_number"}),
    ("d3_cpps_subsequent_plan_2013_to_2024.csv", 2013,
     {"category": "Child Protection Plans which are a second or subsequent plan"},
     {"CPP_start": "protection_plan_starts_number"}),
    ("la_cla_placement_stability.csv", 2020,
     {"cla_group": "CLA on 31 March", "placement_stability": "With 3 or more placements during the year"},
     {"percentage": "three_or_more_placements_share"}),
    ("absence_six_half_terms_la.csv", 2018,
     {"social_care_group": "CINO at 31 March", "phase_type_grouping": "Total"},
     {"pt_sess_unauthorised": "unauthorised_absence_share"}),
    ("ons_mid-year_population_estimates_2012_to_2024.csv", 2013, {"age_group": "Children aged 0 to 17 years"},
     {"population_estimate": "population_0_17"}),
)  # fmt: skip
EPOCH = datetime(2000, 1, 1)  # a workbook carries its date of making; equal runs must give equal bytes


def write_long_file(folder: Path, numbers: Numbers, years: Sequence[int]) -> None:
    """The long file: looked-after series to 2023, starts rates from 2018, values as text, "-" for none."""
    parts = []
    for series, measure in SERIES.items():
        financial = measure.startswith("weekly_cost")
        first = 2018 if measure == "starts_rate" else 2016 if financial else 2015
        last = (
            2023 if financial or measure.startswith(("looked_after", "starts", "ceasing", "unacc")) else 2024
        )
        for year in range(first, last + 1):
            cells = _cells(numbers, measure, year, years.index(year))
            label = f"{year - 1}-{year % 100:02d} (OT)" if financial else str(year)
            parts.append(_long_part(numbers.places, series, label, _revised(cells, measure, year)))
    pd.concat(parts, ignore_index=True).to_parquet(
        folder / "lait" / "lait_synthetic_2024-11-19.parquet", index=False
    )


def _long_part(places: pd.DataFrame, series: str, label: str, cells: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Short Desc": series,
            "Data item": series,
            "Years": label,
            "LA and Regions": places["name"],
            "Values": ["-" if cell in ("x", "z", "u", "c") else cell for cell in cells],
            "LA Number": places["code"].astype("float64"),
            "Region": "NA",
        }
    )


def _revised(cells: list[str], measure: str, year: int) -> list[str]:
    """The older vintage: in the latest looked-after year every ninth number was one lower."""
    if year != 2023 or measure not in ("looked_after_rate", "looked_after_number"):
        return cells
    return [str(int(cell) - 1) if row % 9 == 0 and cell.isdigit() else cell for row, cell in enumerate(cells)]


def write_wide_files(folder: Path, numbers: Numbers, years: Sequence[int]) -> None:
    """The wide CSVs, one row per place, year and category; the looked-after file with a byte-order mark."""
    blocks = [
        _wide(numbers, years, 2020, {"population_count": level}, {"number": number, "rate_per_10000": rate})
        for level, (number, rate) in LOOKED_AFTER.items()
    ]
    _write(
        folder, "cla_number_and_rate_per_10k_children.csv", pd.concat(blocks, ignore_index=True), "utf-8-sig"
    )
    for name, first, levels, columns in WIDE:
        frame = _wide(numbers, years, first, levels, columns, academic=name.startswith("absence"))
        _write(folder, name, frame, "utf-8")


def _write(folder: Path, name: str, frame: pd.DataFrame, encoding: str) -> None:
    frame.to_csv(folder / "ees" / name, index=False, lineterminator="\n", encoding=encoding)


def _wide(
    numbers: Numbers,
    years: Sequence[int],
    first: int,
    levels: dict[str, str],
    columns: dict[str, str],
    academic: bool = False,
) -> pd.DataFrame:
    parts = []
    for year in [year for year in years if year >= first]:
        part = _place_columns(
            numbers.places, f"{year - 1}{year % 100:02d}" if academic else str(year), academic
        )
        part = part.assign(**levels)
        for column, measure in columns.items():
            part[column] = _cells(numbers, measure, year, years.index(year))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _place_columns(places: pd.DataFrame, label: str, academic: bool) -> pd.DataFrame:
    level = places["level"]
    region = dict(zip(places["code"], zip(places["gss"], places["name"], strict=True), strict=True))
    own = places["code"].where(level == "region", places["region"])
    return pd.DataFrame(
        {
            "time_period": label,
            "time_identifier": "Academic year" if academic else "Reporting year",
            "geographic_level": level.map(
                {"authority": "Local authority", "region": "Regional", "england": "National"}
            ),
            "country_code": "E92000001",
            "country_name": "England",
            "region_code": [region[code][0] if code in region else "" for code in own],
            "region_name": [region[code][1] if code in region else "" for code in own],
            "old_la_code": places["code"].where(level == "authority", ""),
            "new_la_code": places["gss"].where(level == "authority", ""),
            "la_name": places["name"].where(level == "authority", ""),
        }
    )


def _cells(numbers: Numbers, measure: str, year: int, column: int) -> list[str]:
    """Text of one measure and year: whole numbers, one decimal where the publisher gives one, or a symbol."""
    decimals = 1 if measure in ONE_DECIMAL | SHARES else 0
    written = [f"{value:.{decimals}f}" for value in numbers.values_of[measure][:, column]]
    return [
        numbers.symbols.get((measure, code, year), text)
        for code, text in zip(numbers.places["code"], written, strict=True)
    ]


def write_lists(folder: Path, numbers: Numbers, generator: np.random.Generator) -> None:
    """Code list, ten neighbours of each authority, and the dictionary of series."""
    places = numbers.places
    named = dict(zip(places["code"], places["name"], strict=True))
    codes = pd.DataFrame(
        {
            "LA Number": places["code"].astype("float64"),
            "LA Name": places["name"],
            "Region": [named.get(code, "NA") for code in places["region"]],
            "Type": ["UA" if level == "authority" else "NA" for level in places["level"]],
        }
    )
    header = pd.DataFrame([list(codes.columns)], columns=codes.columns)
    _write_sheet(folder / "lait" / "la_code_list.xlsx", "Sheet1", pd.concat([header, codes.astype(object)]))
    authorities = places[places["level"] == "authority"]
    _write_sheet(folder / "lait" / "sn_april_2021.xlsx", "LA SN Groups", _neighbours(authorities, generator))
    dictionary = pd.DataFrame(
        {
            "Measure_short": list(SERIES),
            "Measure": list(SERIES.values()),
            "y_axis_name": "",
            "Methodology": "invented",
        }
    )
    dictionary.to_csv(folder / "lait" / "lait_data_dictionary.csv", index=False, lineterminator="\n")


def _neighbours(authorities: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Two rows above the header, then code and name, and ten codes each followed by a word on closeness."""
    codes = authorities["code"].to_numpy()
    width = 3 + 20
    header = ["LA num", "LA Name", "LA number"]
    header += [text for rank in range(1, 11) for text in (f"SN{rank}", "SNP")]
    rows: list[list[object]] = [list("ABC") + [None] * (width - 3), list(range(1, width + 1)), header]
    for code, name in zip(codes, authorities["name"], strict=True):
        chosen = generator.choice(codes[codes != code], size=10, replace=False)
        cells = [item for other in chosen for item in (float(other), "Close")]
        rows.append([float(code), name, float(code), *cells])
    return pd.DataFrame(rows, dtype=object)


def _write_sheet(path: Path, sheet: str, rows: pd.DataFrame) -> None:
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        writer.book.set_properties({"created": EPOCH})
        rows.to_excel(writer, sheet_name=sheet, header=False, index=False)
