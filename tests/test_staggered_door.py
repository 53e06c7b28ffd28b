"""Staggered estimators on panels that somebody brings: faults, statuses, weights, clusters, placebos."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sfpc_book.cli import application, main
from sfpc_book.errors import EstimationError, ParameterError
from sfpc_book.published import staggered_placebo, synthetic_weights
from sfpc_book.published.staggered_methods import STAGGERED_METHODS, estimate_staggered
from sfpc_book.published.staggered_table import PanelRoles, StaggeredTable, staggered_table
from sfpc_book.published.synthetic_weights import synthetic_control, synthetic_did

ROLES = PanelRoles("y", "place", "year", "start")
STARTS = (2013, 2013, 2013, 2015, 2015, 2015, 0, 0, 0, 0, 0, 0)


def panel(starts: tuple = STARTS, *, years: range = range(2010, 2018), effect: float = 1.0) -> pd.DataFrame:
    """Noise around unit and year effects; `effect` is added from each unit's start on."""
    rng = np.random.default_rng(12)
    frame = pd.DataFrame(
        [(f"p{place}", year, start) for place, start in enumerate(starts) for year in years],
        columns=["place", "year", "start"],
    )
    treated = (frame["start"] != 0) & (frame["year"] >= frame["start"])
    noise = rng.normal(size=len(frame)) + frame["place"].str[1:].astype(int) + 0.3 * frame["year"] % 7
    return frame.assign(y=noise + effect * treated)


def table(frame: pd.DataFrame | None = None, **roles: object) -> StaggeredTable:
    return staggered_table(panel() if frame is None else frame, PanelRoles(**(vars(ROLES) | roles)))


def estimates(checked: StaggeredTable, *methods: str, conf_level: float = 0.95) -> pd.DataFrame:
    rows = estimate_staggered(checked, methods or STAGGERED_METHODS, outcome="y", conf_level=conf_level)
    return rows.set_index(["analysis", "term"])


def changed(column: str, values: dict[int, object]) -> pd.DataFrame:
    frame = panel()
    frame[column] = frame[column].astype(object)
    for row, value in values.items():
        frame.loc[row - 1, column] = value
    return frame


def started(place: str, start: object) -> pd.DataFrame:
    frame = panel().astype({"start": object})
    return frame.assign(start=frame["start"].where(frame["place"] != place, start))


FAULTS = [
    (panel().drop(columns="year").rename(columns={"y": "yy"}).assign(years=1), {},
     ["no column 'y' for outcome; did you mean 'yy'", "'year' for time; did you mean 'years'"]),
    (panel().iloc[:0], {}, ["no rows"]),
    (changed("y", {3: "high", 9: np.inf}), {}, ["'y' is not a finite number in row(s) 3, 9"]),
    (changed("y", {2: None}), {}, ["column 'y' (outcome) is blank in row(s) 2"]),
    (changed("year", {4: "spring"}), {}, ["'year' must hold numbers, or dates"]),
    (changed("start", {1: "soon"}), {}, ["'start' is no time in row(s) 1", "0, blank or never"]),
    (panel().drop(index=5), {}, ["not balanced: units without some of 8 times in row(s) 1, 2, 3, 4, 5 and"]),
    (pd.concat([panel(), panel().iloc[[7]]]), {}, ["stand more than once in row(s) 8, 97"]),
    (changed("start", {4: 2014}), {}, ["(first_treated) varies within a unit in row(s) 1, 2, 3, 4, 5 and 3"]),
    (started("p0", 2010), {}, ["treated from the first time on in row(s) 1", "times run from 2010 to 2017"]),
    (started("p0", 2030), {}, ["'start' lies after the last time in row(s) 1", "run from 2010 to 2017"]),
    (started("p0", 2013.5), {}, ["'start' is none of the times of 'year' in row(s) 1"]),
    (panel((0, 0, 0)), {}, ["no unit is treated"]),
    (panel((0, 1, 2), years=range(-1, 4)), {}, ["0 means never treated, but 0 is one of the times"]),
    (panel(years=range(2013, 2014)), {}, ["at least two times"]),
    (changed("y", {}).assign(w=0), {"weights": "w"}, ["'w' is not a number above 0 in row(s) 1"]),
    (panel().assign(region=np.arange(96) % 2), {"cluster": "region"}, ["(cluster) varies within a unit"]),
    (panel().assign(size="big"), {"covariates": ("size",)}, ["'size' is not a finite number"]),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "roles", "words"), FAULTS)
def test_a_bad_panel_is_refused_with_rows_and_what_was_allowed(frame, roles, words) -> None:
    with pytest.raises(EstimationError) as error:
        table(frame, **roles)
    for text in words:
        assert text in error.value.text()


def test_all_faults_are_told_at_once() -> None:
    frame = changed("y", {3: "high"}).assign(w=1.0)
    frame.loc[5, "w"], frame.loc[8, "place"] = -1, None
    with pytest.raises(EstimationError) as error:
        table(frame, weights="w")
    assert len(error.value.problems) == 3
    frame = started("p0", 2010).drop(index=90)
    frame.loc[frame["place"] == "p1", "start"] = 2040
    with pytest.raises(EstimationError) as error:
        table(frame)
    assert len(error.value.problems) == 3


@pytest.mark.parametrize("never", ["never", "Never", None, "0", 0, " ", "mixed"])
def test_never_is_written_in_several_ways(never: object) -> None:
    frame = panel()
    free = frame["start"] == 0
    words = pd.Series(np.resize(np.array(["never", 0, None], dtype=object), len(frame)), index=frame.index)
    by_place = words.groupby(frame["place"]).transform("first") if never == "mixed" else never
    frame["start"] = frame["start"].astype(object).mask(free, by_place)
    assert table(frame).panel.equals(table().panel)


def test_dates_and_gaps_between_times_count_in_their_order() -> None:
    frame = panel()
    dated = frame.assign(
        year=frame["year"].map(lambda year: f"{year}-04-01"),
        start=frame["start"].map(lambda year: f"{year}-04-01" if year else "never"),
    )
    gaps = frame.assign(year=frame["year"] ** 2, start=frame["start"] ** 2)
    wanted = estimates(table(), "group_time", "imputation")
    for other, label in ((dated, "2013-04-01"), (gaps, str(2013**2))):
        found = estimates(table(other), "group_time", "imputation")
        assert found["estimate"].to_numpy() == pytest.approx(wanted["estimate"].to_numpy(), nan_ok=True)
        assert ("group_time", f"group_{label}_time_{label}") in found.index


TRAPS = {
    "as it is": panel(),
    "one unit of each start": panel((2013, 2015, 0)),
    "two units": panel((2013, 0)),
    "all treated": panel((2013, 2013, 2015, 2015)),
    "all at one date": panel((2013, 2013, 2013)),
    "one treated unit": panel((2014, *(0,) * 8)),
    "the last time only": panel((2017, 2017, 0, 0, 0, 0)),
    "two times": panel((2013, 2013, 0, 0, 0, 0), years=range(2012, 2014)),
    "constant outcome": panel().assign(y=1.0),
    "a huge outcome": panel().assign(y=lambda rows: rows["y"] * 1e12),
    "a tiny outcome": panel().assign(y=lambda rows: rows["y"] * 1e-12),
    "an outcome far from 0": panel().assign(y=lambda rows: rows["y"] + 1e9),
    "an exact fit": panel().assign(
        y=lambda rows: rows["year"] + 1.0 * (rows["start"] > 0) * (rows["year"] > 2013)
    ),
    "one value that is not 0": panel().assign(y=lambda rows: 1.0 * (rows.index == 40)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("roles", [{}, {"weights": "w"}, {"covariates": ("x",)}])
@pytest.mark.parametrize("trap", TRAPS)
def test_every_row_has_a_number_with_its_error_or_says_why_not(trap: str, roles: dict) -> None:
    frame = TRAPS[trap]
    size = np.random.default_rng(1).normal(size=99)[frame["place"].str[1:].astype(int)]
    rows = estimates(table(frame.assign(x=size, w=1 + abs(size)), **roles))
    named = rows["estimate"].notna()
    assert (rows["status"] == "ok").equals(named)
    assert (rows.loc[named, "conf_low"].notna() | rows.loc[named, "reference"].str.startswith("none: ")).all()
    assert rows.loc[~named, ["std_error", "p_value", "conf_low"]].isna().all(axis=None)
    if "covariates" in roles:
        assert (
            rows.loc[named, "reference"].str.endswith("; without covariates").sum()
            == (named & (rows.index.get_level_values(0) != "group_time_doubly_robust")).sum()
        )


def test_rows_in_any_order_give_the_same() -> None:
    shuffled = panel().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(estimates(table(shuffled)), estimates(table()))


BLOCKED = [
    ("group_time", panel((2013, 2013, 2015, 2015)), {}, "no unit is never treated"),
    ("group_time_not_yet", panel((2013, 2013, 2013)), {}, "not_identified"),
    ("imputation", panel((2013, 2013, 2013)), {}, "not_identified"),
    ("sun_abraham", panel((2013, 2013, 2013)), {}, "not_identified"),
    ("two_way", panel((2013, 2013, 2013)), {}, "not_identified"),
    ("goodman_bacon", panel((2013, 2013, 2013)), {}, "not_identified"),
    ("two_way", panel((2013, 0)), {}, "too few clusters for a variance"),
    ("two_way", panel(effect=0).assign(y=lambda rows: 1.0 * rows["year"]), {}, "no variation left"),
    ("synthetic_did", panel((2013, 2013, 2013)), {}, "0 units never treated"),
    ("synthetic_did", panel(), {}, "2 dates of adoption"),
    ("synthetic_control", panel((2012, 0, 0, 0)), {}, "2 times before adoption"),
    ("synthetic_control", panel((2014, 0, 0, 0)).assign(y=lambda rows: rows["year"] + (rows["start"] > 0)),
     {}, "nothing to weight by"),
    ("synthetic_did", panel((2014, 0, 0, 0)).assign(r="a"), {"cluster": "r"}, "one cluster"),
    ("two_way_placebo", panel((2014, 2014, 0, 0, 0)), {}, "3 units never treated; it takes 4"),
    ("group_time_placebo", panel((2014, *(0,) * 6)).assign(r=lambda rows: rows["place"] > "p3"),
     {"cluster": "r"}, "its placebos are units"),
    ("group_time_doubly_robust", panel(), {}, "no covariates given"),
    ("group_time_doubly_robust", panel().assign(x=lambda rows: (rows["start"] > 0) * 1.0),
     {"covariates": ("x",)}, "not_estimable: Group-time effects cannot be estimated"),
    ("goodman_bacon", panel().assign(w=2.0), {"weights": "w"}, "takes no weights"),
    ("imputation", panel().assign(w=lambda rows: rows["year"]), {"weights": "w"}, "change over time"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "frame", "roles", "words"), BLOCKED)
def test_a_design_that_a_method_cannot_carry_has_a_status_and_no_number(method, frame, roles, words) -> None:
    rows = estimates(table(frame, **roles), method)
    assert len(rows) == 1 and words in rows["status"].iloc[0]
    assert rows[["estimate", "std_error", "p_value", "conf_low"]].isna().all(axis=None)


@pytest.mark.parametrize("roles", [{}, {"cluster": "region"}])
def test_a_constant_outcome_or_one_cluster_blocks_every_method(roles) -> None:
    frame = panel().assign(region="all") if roles else panel().assign(y=3.0)
    rows = estimates(table(frame, **roles))
    assert len(rows) == len(STAGGERED_METHODS) and rows["estimate"].isna().all()
    assert rows["status"].isin(["not_estimable: constant outcome", "not_estimable: one cluster"]).all()


@pytest.mark.parametrize("starts", [(2013, 2015, 2015, 0, 0, 0), (2013, 2013, 2015, 2015, 0)])
def test_a_lone_unit_in_a_cohort_or_among_controls_gives_an_estimate_without_error(starts) -> None:
    rows = estimates(table(panel(starts)), "group_time", "imputation", "sun_abraham")
    overall = rows.xs("overall", level="term")
    assert (overall["status"] == "ok").all() and overall["std_error"].isna().all()
    assert overall["reference"].str.startswith("none").all()
    alone = rows.loc[("group_time", "group_2013_time_2014")]
    paired = rows.loc[("group_time", "group_2015_time_2016")]
    assert np.isnan(alone["std_error"])
    assert np.isnan(paired["std_error"]) == (starts[-2:] == (2015, 0))


def assert_one_factor(rows: pd.DataFrame, others: pd.DataFrame) -> None:
    ratio = (rows["std_error"] / others["std_error"]).groupby(level="analysis")
    assert ratio.max().between(0.9, 1.1).all()
    np.testing.assert_allclose(ratio.max(), ratio.min(), rtol=1e-6)


METHODS_WITH_WEIGHTS = ("group_time", "group_time_not_yet", "imputation", "sun_abraham", "two_way")


def test_integer_weights_equal_so_many_copies_drawn_together() -> None:
    """Errors differ by one small-sample factor for each method, which counts copies as units; those of
    imputation by more, for its variance centres residuals with weights squared."""
    frame = panel().assign(w=lambda rows: rows["place"].str[1:].astype(int) % 3 + 1)
    copies = frame.loc[frame.index.repeat(frame["w"])]
    number = copies.groupby(["place", "year"]).cumcount().astype(str)
    copies = copies.assign(cluster=copies["place"], place=copies["place"] + "-" + number)
    weighted = estimates(table(frame, weights="w"), *METHODS_WITH_WEIGHTS)
    copied = estimates(table(copies, cluster="cluster"), *METHODS_WITH_WEIGHTS)
    np.testing.assert_allclose(weighted["estimate"], copied["estimate"], atol=1e-9)
    assert_one_factor(weighted.drop(index="imputation"), copied.drop(index="imputation"))
    imputed = weighted.loc["imputation", "std_error"] / copied.loc["imputation", "std_error"]
    assert imputed.between(0.9, 1.1).all()
    unweighted = estimates(table(frame), *METHODS_WITH_WEIGHTS)
    assert not np.allclose(weighted["estimate"], unweighted["estimate"], atol=1e-3)
    scaled = estimates(table(frame.assign(w=7.5 * frame["w"]), weights="w"), *METHODS_WITH_WEIGHTS)
    np.testing.assert_allclose(scaled["std_error"], weighted["std_error"], rtol=1e-9)


def test_clusters_of_units_widen_errors_and_lower_degrees_of_freedom() -> None:
    frame = panel(STARTS * 2)
    pairs = frame.assign(region=frame["place"].str[1:].astype(int) % 12)
    again = pairs.assign(y=pairs.groupby(["region", "year"])["y"].transform("mean"))
    once = estimates(table(again[again["place"].str[1:].astype(int) < 12]), *METHODS_WITH_WEIGHTS)
    twice = estimates(table(again, cluster="region"), *METHODS_WITH_WEIGHTS)
    np.testing.assert_allclose(twice["estimate"], once["estimate"], atol=1e-9)
    assert_one_factor(twice, once)
    assert (twice["df"] == 11).all() and (twice["n_clusters"] == 12).all()
    units = estimates(table(again), *METHODS_WITH_WEIGHTS)
    assert (units["std_error"] < 0.8 * twice["std_error"]).all()


def test_a_planted_effect_is_found_by_every_method_and_none_where_none_is() -> None:
    frame = panel((2014, 2014) + (0,) * 12, effect=0.0)
    planted = frame.assign(y=frame["y"] + 50.0 * ((frame["start"] > 0) & (frame["year"] >= 2014)))
    term = {"two_way": "exposed", "two_way_placebo": "exposed", "goodman_bacon": "two_way"}
    names = [name for name in STAGGERED_METHODS if name != "group_time_doubly_robust"]
    none, found = estimates(table(frame), *names), estimates(table(planted), *names)
    for name in names:
        key = (name, term.get(name, "overall"))
        assert abs(none.loc[key, "estimate"]) < 5
        assert found.loc[key, "estimate"] - none.loc[key, "estimate"] == pytest.approx(50, abs=1e-6), name


@pytest.mark.parametrize(
    ("name", "estimator"), [("synthetic_did", synthetic_did), ("synthetic_control", synthetic_control)]
)
def test_placebo_inference_equals_a_naive_enumeration(name, estimator) -> None:
    frame = panel((2014, *(0,) * 6))
    row = estimates(table(frame), name, conf_level=0.8).iloc[0]
    wide = frame.pivot_table(index="place", columns="year", values="y")
    controls = wide.drop(index="p0")
    draws = [
        estimator(controls.loc[[place]].to_numpy(), controls.drop(index=place).to_numpy(), 4)
        for place in controls.index
    ]
    own = estimator(wide.loc[["p0"]].to_numpy(), controls.to_numpy(), 4)
    assert row["estimate"] == pytest.approx(own, abs=1e-12)
    assert row["p_value"] == pytest.approx((1 + (np.abs(draws) >= abs(own)).sum()) / 7)
    assert row["std_error"] == pytest.approx(np.std(draws, ddof=1))
    assert row["n_orders"] == 6 and row["p_minimum"] == pytest.approx(1 / 7)
    assert np.isfinite([row["conf_low"], row["conf_high"]]).all()
    unbounded = estimates(table(frame), name).iloc[0]
    assert [unbounded["conf_low"], unbounded["conf_high"]] == [-np.inf, np.inf]


def test_placebos_of_several_cohorts_equal_a_naive_enumeration() -> None:
    starts = (2013, 2015, 2015, *(0,) * 6)
    frame = panel(starts)
    rows = estimates(table(frame), "group_time_placebo", "two_way_placebo", "group_time", "two_way")
    wide = frame.pivot_table(index="place", columns="year", values="y").to_numpy()
    draws = {}
    for chosen in itertools.permutations(range(3, 9), 3):
        first = np.full(9, 99)
        first[[*chosen]] = [3, 5, 5]
        exposed = (np.arange(8)[None, :] >= first[:, None]) * 1.0
        draws[chosen[0], frozenset(chosen[1:])] = two_way_by_dummies(wide[3:], exposed[3:])
    row, fitted = rows.loc[("two_way_placebo", "exposed")], rows.loc[("two_way", "exposed")]
    extreme = sum(abs(draw) >= abs(fitted["estimate"]) for draw in draws.values())
    assert len(draws) == row["n_orders"] == 60
    assert row["p_value"] == pytest.approx((1 + extreme) / 61) and row["p_minimum"] == pytest.approx(1 / 61)
    assert row["std_error"] == pytest.approx(np.std(list(draws.values()), ddof=1))
    assert row["estimate"] == pytest.approx(fitted["estimate"], abs=1e-9)
    for term in ("overall", "event_time_0", "event_time_2", "event_time_4"):
        pair = [rows.loc[(name, term), "estimate"] for name in ("group_time_placebo", "group_time")]
        assert pair[0] == pytest.approx(pair[1], abs=1e-9)


def two_way_by_dummies(outcome: np.ndarray, exposed: np.ndarray) -> float:
    units, years = np.indices(outcome.shape)
    dummies = [np.eye(outcome.shape[0])[units.ravel()], np.eye(outcome.shape[1])[years.ravel()][:, 1:]]
    design = np.column_stack([exposed.ravel(), *dummies])
    return np.linalg.lstsq(design, outcome.ravel(), rcond=None)[0][0]


def test_one_treated_unit_gives_a_two_way_estimate_without_error() -> None:
    """Clustered errors would be far too small: the treated unit's own noise is fitted away."""
    row = estimates(table(panel((2014, *(0,) * 8))), "two_way").iloc[0]
    assert row["status"] == "ok" and np.isnan(row["std_error"]) and row["reference"].startswith("none")


def test_too_few_never_treated_leave_an_estimate_without_inference() -> None:
    row = estimates(table(panel((2014, 2014, 0, 0, 0))), "synthetic_did").iloc[0]
    assert row["status"] == "ok" and np.isnan(row["p_value"]) and "too few" in row["reference"]


def test_many_choices_of_placebos_are_drawn_at_random_and_the_same_each_time(monkeypatch) -> None:
    monkeypatch.setattr(synthetic_weights, "DRAWS", 10)
    monkeypatch.setattr(staggered_placebo, "DRAWS", 10)
    frame = panel((2014, 2014, *(0,) * 6))
    rows = [estimates(table(frame), "synthetic_did", "two_way_placebo") for _ in range(2)]
    pd.testing.assert_frame_equal(*rows)
    assert rows[0]["n_orders"].tolist() == [10, 10]


def run(folder: Path, *options: str, file: Path | None = None) -> tuple[int, str, Path]:
    source, out = folder / "panel.csv", folder / "tidy.csv"
    panel().to_csv(source, index=False)
    named = ["--outcome", "y", "--unit", "place", "--time", "year", "--first-treated", "start"]
    found = CliRunner().invoke(
        application, ["staggered", str(file or source), *named, *options, "--out", str(out)]
    )
    if isinstance(found.exception, EstimationError | ParameterError):
        return found.exception.exit_code, found.exception.text(), out
    return found.exit_code, found.output, out


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--methods", "two_way,magic"], 6, "'magic' not known. Allowed: all, group_time"),
        (["--methods", ","], 6, "none not known"),
        (["--outcome", "yy"], 7, "panel.csv: The columns do not fit"),
        (["--weights", "start"], 7, "panel.csv: The table has 1 fault(s)"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(tmp_path, options, code, words) -> None:
    exit_code, said, out = run(tmp_path, *options)
    assert exit_code == code and words in said and not out.exists()


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    code, said, _ = run(tmp_path, file=tmp_path / "absent.csv")
    assert code == 6 and "absent.csv" in said


def test_the_level_of_intervals_is_the_one_asked_for(tmp_path) -> None:
    code, said, out = run(tmp_path, "--methods", "two_way", "--conf-level", "0.8")
    assert code == 0 and str(out) in said.replace("\n", "")
    row = pd.read_csv(out).iloc[0]
    wide = estimates(table(), "two_way").iloc[0]
    assert row["conf_level"] == 0.8
    assert row["conf_high"] - row["conf_low"] < wide["conf_high"] - wide["conf_low"]


def test_the_help_documents_methods_terms_and_columns(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["sfpc-book", "staggered", "--help"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    for name in (*STAGGERED_METHODS, "event_time_average", "weight_forbidden", "conf_low", "never"):
        assert name in said, name
