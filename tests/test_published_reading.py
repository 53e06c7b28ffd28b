"""Reading a folder of published statistics: the invented one always, the real one where it is here."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import PublishedDataError
from sfpc_book.published.checks import PROFILE_MEASURES
from sfpc_book.published.profile import PROFILE_COLUMNS, authority_profile
from sfpc_book.published.reading import ROW_COLUMNS
from sfpc_book.published.sources import Published, read_published
from sfpc_book.simulate.published import TRUTH, simulate_published
from sfpc_book.study.study import Study, load_study

CLA = "ees/cla_number_and_rate_per_10k_children.csv"


@pytest.fixture(scope="module")
def study(repository: Path) -> Study:
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def invented_folder(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_published(study, tmp_path_factory.mktemp("invented"), seed=7)


@pytest.fixture(scope="module")
def invented(study: Study, invented_folder: Path) -> Published:
    return read_published(study, invented_folder)


@pytest.fixture(scope="module")
def real(study: Study, published_folder: Path) -> Published:
    return read_published(study, published_folder)


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_seeds_give_equal_bytes_and_another_seed_other_numbers(
    study: Study, invented_folder: Path, tmp_path: Path
) -> None:
    again = _hashes(simulate_published(study, tmp_path / "again", seed=7))
    assert again == _hashes(invented_folder)
    assert _hashes(simulate_published(study, tmp_path / "other", seed=8))[CLA] != again[CLA]


def test_invented_statistics_say_so_and_carry_their_truth(invented: Published, invented_folder: Path) -> None:
    assert json.loads((invented_folder / "manifest.json").read_text())["synthetic"] is True
    assert invented.data_status == "synthetic"
    assert invented.truth == TRUTH


def test_no_invented_place_has_the_name_or_code_of_a_real_one_outside_the_study(
    study: Study, invented: Published
) -> None:
    places = invented.series[invented.series["geography"] == "authority"].drop_duplicates("authority_code")
    known = {part.la_code for part in study.authorities.values()}
    others = places[~places["authority_code"].isin(known)]
    assert len(places) >= 145
    assert others["name"].str.startswith("Synthetic Authority ").all()
    assert others["gss_code"].str.startswith("E99").all()
    assert others["authority_code"].astype(int).between(500, 799).all()


def test_series_has_one_row_per_place_year_and_measure_with_value_or_symbol(invented: Published) -> None:
    series = invented.series
    assert tuple(series.columns) == ROW_COLUMNS
    assert not series.duplicated(["authority_code", "year", "measure"]).any()
    assert (series["value"].isna() == (series["symbol"] != "")).all()
    assert series["year"].dtype == "int64"
    assert set(series["geography"]) == {"authority", "region", "england"}


def test_planted_symbols_come_back_as_typed_states(invented: Published) -> None:
    symbols = invented.series.loc[invented.series["symbol"] != "", ["measure", "symbol"]]
    assert {"u", "x", "c", "k", "low"} <= set(symbols["symbol"])


def test_a_symbol_in_the_newer_source_gives_way_to_the_number_of_the_older(
    invented_folder: Path, study: Study, tmp_path: Path
) -> None:
    folder = shutil.copytree(invented_folder, tmp_path / "copy")
    table = pd.read_csv(folder / CLA, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    chosen = (table["old_la_code"] == "335") & (table["time_period"] == "2022")
    table.loc[chosen, ["number", "rate_per_10000"]] = "c"
    table.to_csv(folder / CLA, index=False)
    rate = read_published(study, folder).series.set_index(["authority_code", "year", "measure"])
    row = rate.loc[("335", 2022, "looked_after_rate")]
    assert row["source"] == "lait_series"
    assert np.isfinite(row["value"])


def test_every_adopter_has_a_finding_on_gaps_and_the_planted_gap_fails(
    study: Study, invented: Published
) -> None:
    gaps = {finding.subject: finding for finding in invented.findings if finding.check == "published_gap"}
    assert len(gaps) == len(study.authorities) * len(PROFILE_MEASURES)
    failed = [finding for finding in gaps.values() if finding.status == "fail"]
    assert len(failed) == 1
    assert "2023 (of low reliability, not published)" in failed[0].text


def test_findings_name_no_fault_of_the_study_codes_in_the_invented_folder(invented: Published) -> None:
    checks = {"published_authority", "published_spelling", "published_ons_code", "published_code_list"}
    assert not [item for item in invented.findings if item.check in checks and item.status == "fail"]


def _broken(folder: Path, target: Path) -> Path:
    """A copy with six faults in six files."""
    copy = shutil.copytree(folder, target)
    (copy / "ees" / "b1_children_in_need_2013_to_2024.csv").unlink()
    long_file = next((copy / "lait").glob("lait_*.parquet"))
    shutil.copy(long_file, long_file.with_name("lait_2025-01-01.parquet"))
    (copy / "lait" / "sn_april_2021.xlsx").write_bytes(b"not a workbook")
    looked_after = (copy / CLA).read_text(encoding="utf-8-sig")
    (copy / CLA).write_text(looked_after.replace("rate_per_10000", "rate_per_10k"), encoding="utf-8")
    plans = copy / "ees" / "d5_cpps_at31march_by_duration_2013_to_2024.csv"
    table = pd.read_csv(plans, dtype=str, keep_default_na=False)
    table.loc[3, "CPP_At31"] = "about 40"
    pd.concat([table, table.iloc[[5]]]).to_csv(plans, index=False)
    population = next((copy / "ees").glob("ons_mid*.csv"))
    population.write_text(population.read_text().replace("Local authority", "Council"))
    return copy


def test_all_problems_of_a_folder_are_told_at_once_with_file_and_column(
    study: Study, invented_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(PublishedDataError) as caught:
        read_published(study, _broken(invented_folder, tmp_path / "broken"))
    text = str(caught.value)
    for part in (
        "ees/b1_children_in_need_*.csv: not found",
        "lait/lait_*.parquet: more than one file fits (lait_2025-01-01.parquet, lait_synthetic_2024",
        "sn_april_2021.xlsx: sheet 'LA SN Groups' cannot be read",
        "cla_number_and_rate_per_10k_children.csv, column 'rate_per_10000': not found; the file has",
        "d5_cpps_at31march_by_duration_2013_to_2024.csv, column 'CPP_At31': 1 cells",
        "('about 40')",
        "d5_cpps_at31march_by_duration_2013_to_2024.csv: 2 rows repeat a place, year and measure",
        "column 'geographic_level': 'Council' unknown; known: National, Regional, Local authority",
    ):
        assert part in text
    assert caught.value.exit_code == 8


@pytest.mark.parametrize("make", [False, True])
def test_a_missing_or_empty_folder_is_refused_by_name(make: bool, study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    if make:
        folder.mkdir()
    with pytest.raises(PublishedDataError, match="published") as caught:
        read_published(study, folder)
    assert len(caught.value.problems) == (0 if not make else 8)


def test_a_broken_manifest_is_refused(study: Study, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{synthetic: yes")
    with pytest.raises(PublishedDataError, match=r"manifest\.json is not valid JSON"):
        read_published(study, tmp_path)


def test_an_optional_file_may_be_absent_and_is_found_missing(
    study: Study, invented_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(invented_folder, tmp_path / "copy")
    (folder / "ees" / "absence_six_half_terms_la.csv").unlink()
    (folder / "ees" / "extra.csv").write_text("a\n1\n")
    published = read_published(study, folder)
    assert "unauthorised_absence_share" not in set(published.series["measure"])
    checks = {item.check: item.text for item in published.findings}
    assert "unauthorised_absence_share" in checks["published_file_absent"]
    assert "extra.csv" in checks["published_file_unread"]


def test_profile_is_own_series_against_ten_neighbours_and_england(invented: Published) -> None:
    profile = authority_profile(invented.series, invented.neighbours, "894")
    assert list(profile.series.columns) == PROFILE_COLUMNS
    nearest = invented.neighbours.loc[invented.neighbours["code"] == "894", "neighbour_code"]
    assert len(profile.neighbours) == len(nearest) == 10
    series = invented.series[
        (invented.series["measure"] == "looked_after_rate") & (invented.series["year"] == 2022)
    ]
    values = series[series["authority_code"].isin(nearest)]["value"]
    row = profile.series.query("measure == 'looked_after_rate' and year == 2022").iloc[0]
    assert row["neighbour_median"] == np.median(values)
    assert (row["neighbour_low"], row["neighbour_high"]) == (values.min(), values.max())
    assert row["england"] == series.loc[series["authority_code"] == "970", "value"].iloc[0]
    assert row["n_neighbours"] == 10


def test_a_year_without_a_number_stays_in_the_profile_with_its_symbol(
    study: Study, invented: Published
) -> None:
    gap = next(i for i in invented.findings if i.check == "published_gap" and i.status == "fail")
    code = study.authorities[gap.authority].la_code
    series = authority_profile(invented.series, invented.neighbours, code).series
    row = series.query("measure == 'children_in_need_rate' and year == 2023").iloc[0]
    assert np.isnan(row["value"])
    assert row["symbol"] == "u"
    assert row["n_neighbours"] > 0


def test_a_code_without_any_row_is_refused(invented: Published) -> None:
    with pytest.raises(PublishedDataError, match="500"):
        authority_profile(invented.series, invented.neighbours, "500")


def test_real_series_of_an_adopter_are_the_published_ones(real: Published) -> None:
    series = real.series.set_index(["authority_code", "measure", "year"])
    assert real.data_status == "published"
    # Looked-after rates: LAIT to 2019, the 2024 release after it; Telford and Wrekin 2015, 2022 and 2024.
    for code, measure, year, value, source in (
        ("894", "looked_after_rate", 2015, 75.0, "lait_series"),
        ("894", "looked_after_rate", 2022, 102.0, "children_looked_after"),
        ("894", "looked_after_rate", 2024, 96.0, "children_looked_after"),
        ("806", "looked_after_rate", 2020, 188.0, "children_looked_after"),
        ("335", "children_in_need_rate", 2021, 281.4, "children_in_need"),
        ("212", "protection_plan_rate", 2024, 13.5, "lait_series"),
        ("970", "looked_after_rate", 2024, 70.0, "children_looked_after"),
        ("970", "weekly_cost_looked_after", 2023, 1610.0, "lait_series"),
    ):
        row = series.loc[(code, measure, year)]
        assert row["value"] == value, (code, measure, year)
        assert row["source"] == source


def test_real_hackney_without_children_in_need_data_is_missing_not_zero(real: Published) -> None:
    rows = real.series[
        (real.series["authority_code"] == "204") & (real.series["measure"] == "children_in_need_rate")
    ]
    rows = rows.set_index("year")
    assert rows.loc[[2021, 2022], "symbol"].tolist() == ["x", "x"]
    assert rows.loc[[2021, 2022], "value"].isna().all()
    assert np.isfinite(rows.loc[2023, "value"])


def test_real_names_codes_and_spellings_are_all_declared(real: Published) -> None:
    checks = (
        "published_spelling",
        "published_ons_code",
        "published_code_list",
        "published_authority",
        "published_range",
    )
    assert [item.text for item in real.findings if item.check in checks and item.status == "fail"] == []


def test_real_places_carry_one_ons_code_although_the_files_change_it(real: Published) -> None:
    places = real.series[real.series["geography"] == "authority"]
    assert not places[["authority_code", "gss_code"]].drop_duplicates()["authority_code"].duplicated().any()
    assert places.loc[places["authority_code"] == "815", "gss_code"].unique().tolist() == ["E06000065"]


def test_every_real_adopter_has_every_profile_measure_without_a_gap_from_2015(
    study: Study, real: Published
) -> None:
    for authority in study.authorities.values():
        if authority.role not in ("trial", "pilot"):
            continue
        series = authority_profile(real.series, real.neighbours, authority.la_code).series
        recent = series[series["year"].between(2015, 2024)]
        assert len(recent) == 10 * len(PROFILE_MEASURES), authority.name
        assert recent["value"].notna().all(), authority.name
        assert (recent["n_neighbours"] >= 7).all(), authority.name


def test_real_starts_rates_computed_from_numbers_agree_with_published_ones(real: Published) -> None:
    finding = next(item for item in real.findings if item.check == "published_derived")
    assert finding.measured is not None
    assert finding.measured > 0.98
