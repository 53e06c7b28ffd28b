"""Changes to the panel model against plain least squares on rows of children, and their exact tests against
every order enumerated from scratch."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from estimate_frames import FIVE_STRATA, filled, naive_orders
from hypothesis import given, settings
from hypothesis import strategies as st

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import Cells, cells_by_start, cells_of, split_cells_of
from sfpc_book.estimate.changes import CHANGES, COUNTS_DAYS, Changed, Trial
from sfpc_book.estimate.cluster_variance import cluster_variance
from sfpc_book.estimate.exact_test import exact_test
from sfpc_book.estimate.panel_models import fit_two_way
from sfpc_book.estimate.recut import recut_periods
from sfpc_book.estimate.several_effects import several_effects
from sfpc_book.study.wedge import Wedge

LENGTHS = (180, 60, 90, 200, 60, 185)
STARTS = tuple(date.fromordinal(date(2020, 3, 1).toordinal() + sum(LENGTHS[:i])) for i in range(6))
LOCKDOWNS = ((date(2020, 3, 23), date(2020, 6, 1)), (date(2020, 11, 20), date(2020, 12, 2)))


def design(strata: tuple[str, ...] = FIVE_STRATA, never: tuple[str, ...] = ()) -> Wedge:
    names = tuple("abcde")
    return Wedge(
        model_id="family_safeguarding",
        authorities=names,
        go_live=dict(zip(names, STARTS[1:], strict=True)),
        stratum=dict(zip(names, strata, strict=True)),
        window_start=STARTS[0],
        window_end=date.fromordinal(STARTS[-1].toordinal() + LENGTHS[-1] - 1),
        period_starts=STARTS,
        never_exposed=never,
    )


DESIGN = design()


def children(wedge: Wedge, *, seed: int = 1, days: bool = False) -> pd.DataFrame:
    """One row per child; with `days`, exposure differs between children of an authority and period."""
    rng = np.random.default_rng(seed)
    cells = wedge.design_table()[["authority", "period", "exposed", "exposure_time"]]
    rows = cells.loc[cells.index.repeat(rng.integers(8, 30, len(cells)))].reset_index(drop=True)
    rows["value"] = (rng.random(len(rows)) < 0.3 + 0.05 * rows["exposed"]).astype(float)
    if days:
        rows["exposed"] = np.where(rng.random(len(rows)) < 0.3, 1, rows["exposed"])
        rows["exposure_time"] = rows["exposed"] * rows["exposure_time"].clip(lower=1)
    return rows


def panel_of(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    grouped = rows.groupby([*key, "exposure_time"], as_index=False)["value"].agg(["mean", "size"])
    frame = grouped.rename(columns={"mean": "value_mean", "size": "n_children"})
    return filled(frame, "family_safeguarding")


def trial(rows: pd.DataFrame, wedge: Wedge = DESIGN) -> Trial:
    return Trial(cells_of(panel_of(rows, ["authority", "period", "exposed"])), wedge, LOCKDOWNS)


def naive(rows: pd.DataFrame, *covariates: np.ndarray, periods: str = "period") -> np.ndarray:
    """Design of children: exposure, authorities, periods, covariates."""
    columns = [rows["exposed"].to_numpy(float)]
    columns += [(rows["authority"] == name).to_numpy(float) for name in sorted(rows["authority"].unique())]
    columns += [(rows[periods] == period).to_numpy(float) for period in sorted(rows[periods].unique())[1:]]
    return np.column_stack([*columns, *covariates])


def coefficient(rows: pd.DataFrame, *covariates: np.ndarray, periods: str = "period") -> float:
    x = naive(rows, *covariates, periods=periods)
    return float(np.linalg.lstsq(x, rows["value"].to_numpy(), rcond=None)[0][0])


def enumerated(rows: pd.DataFrame, wedge: Wedge, *covariates: np.ndarray, periods: str = "period"):
    """The coefficient under every order, naively; children's rows keep their period of the wedge."""
    for order in naive_orders(wedge):
        start = rows["authority"].map(dict(zip(wedge.authorities, order, strict=True))).fillna(99)
        exposed = (rows["period"] >= start).astype(int)
        yield coefficient(rows.assign(exposed=exposed), *covariates, periods=periods)


def naive_p(values: list[float]) -> float:
    size = np.abs(values)
    return float(np.mean(size >= size[0] - 1e-9 * size.max()))


def clustered(x: np.ndarray, y: np.ndarray, cluster: np.ndarray, n_rows: int, n_counted: int) -> float:
    """Clustered standard error with the small-sample factor, of children; `n_rows` are the panel's."""
    bread = np.linalg.pinv(x.T @ x)
    residual = y - x @ (bread @ x.T @ y)
    names = np.unique(cluster)
    sums = np.array([(x * residual[:, None])[cluster == name].sum(axis=0) for name in names])
    factor = len(names) / (len(names) - 1) * (n_rows - 1) / (n_rows - n_counted)
    return float(np.sqrt(factor * (bread @ sums.T @ sums @ bread)[0, 0]))


def change(name: str, start: Trial, days: int = 0) -> Changed:
    found = CHANGES[name](start, days)
    assert found.status == "ok", found.status
    return found


def check(
    found: Changed, rows: pd.DataFrame, *covariates: np.ndarray, wedge: Wedge = DESIGN, periods="period"
):
    """Coefficient, clustered error, CR2 and exact test of a change against children's rows."""
    x, y = naive(rows, *covariates, periods=periods), rows["value"].to_numpy()
    fit = fit_two_way(found.fitted)
    assert fit.estimate == pytest.approx(coefficient(rows, *covariates, periods=periods), abs=1e-9)
    n_counted = 1 + rows[periods].nunique() + len(covariates)
    cluster = rows["authority"].to_numpy()
    error = clustered(x, y, cluster, found.fitted.n_cells, n_counted)
    assert fit.std_error == pytest.approx(error, rel=1e-8)
    assert fit.df == rows["authority"].nunique() - 1
    test = exact_test(found.tested, wedge)
    values = list(enumerated(rows, wedge, *covariates, periods=periods))
    assert test.estimate == pytest.approx(values[0], abs=1e-9)
    assert test.p_value == pytest.approx(naive_p(values))
    assert test.n_orders == len({tuple(order) for order in naive_orders(wedge)})
    studentised = exact_test(found.tested, wedge, statistic="studentised")
    assert studentised.estimate == pytest.approx(values[0], abs=1e-9)


def years(rows: pd.DataFrame) -> np.ndarray:
    middles = np.cumsum((0, *LENGTHS[:-1])) + (np.array(LENGTHS) - 1) / 2
    return middles[rows["period"]] / 365.25


def test_leaving_the_first_period_out_is_the_regression_on_the_other_children():
    rows = children(DESIGN)
    check(change("drop_first_period", trial(rows)), rows[rows["period"] > 0])


def test_leaving_short_periods_out_follows_the_days():
    rows = children(DESIGN)
    check(change("drop_short_periods", trial(rows), 70), rows[~rows["period"].isin([1, 4])])
    check(change("drop_short_periods", trial(rows), 100), rows[~rows["period"].isin([1, 2, 4])])
    assert CHANGES["drop_short_periods"](trial(rows), 60).status == (
        "not_estimable: no period is shorter than 60 days, so nothing changes"
    )
    assert CHANGES["drop_short_periods"](trial(rows), 999).status == (
        "not_estimable: every period would be left out"
    )


def test_leaving_periods_in_a_lockdown_out_counts_both_ends():
    rows = children(DESIGN)  # 71 days in the first period; the second spell lies in the third, 13 days
    check(change("drop_lockdown_periods", trial(rows), 14), rows[rows["period"] != 0])
    check(change("drop_lockdown_periods", trial(rows), 13), rows[~rows["period"].isin([0, 2])])
    assert "72 days or more" in CHANGES["drop_lockdown_periods"](trial(rows), 72).status
    assert "nothing changes" not in CHANGES["drop_lockdown_periods"](trial(rows), 71).status


@pytest.mark.parametrize(
    ("days", "blocks"), [(61, (0, 1, 1, 3, 4, 4)), (100, (0, 1, 1, 3, 4, 4)), (190, None)]
)
def test_joined_periods_share_an_effect_and_leave_every_childs_exposure_alone(days, blocks):
    rows = children(DESIGN)
    found = recut_periods(DESIGN, range(6), DESIGN.authorities, days)
    if blocks is not None:
        assert tuple(found.values()) == blocks
    lengths = pd.Series(LENGTHS).groupby(list(found.values())).sum()
    assert (lengths >= days).all()
    joined = rows.assign(block=rows["period"].map(found))
    check(change("merge_short_periods", trial(rows), days), joined, periods="block")


def test_a_boundary_without_a_go_live_goes_first():
    without = DESIGN.among("acde")  # nobody observed went live at the start of the third period
    assert recut_periods(without, range(6), without.authorities, 61)[2] == 1
    assert recut_periods(DESIGN.among("bcde"), range(6), "bcde", 61)[1] == 0
    assert set(recut_periods(DESIGN, range(6), DESIGN.authorities, 9999).values()) == {0}


def test_a_wedge_joined_to_one_period_has_no_comparison_in_time_left_but_its_authorities():
    rows = children(DESIGN)
    check(change("merge_short_periods", trial(rows), 9999), rows.assign(block=0), periods="block")


def test_drift_from_the_first_level_is_a_covariate():
    rows = children(DESIGN)
    level = rows[rows["period"] == 0].groupby("authority")["value"].mean()
    check(change("baseline_trend", trial(rows)), rows, rows["authority"].map(level).to_numpy() * years(rows))
    gone = rows[(rows["period"] > 0) | (rows["authority"] != "b")]
    assert CHANGES["baseline_trend"](trial(gone), 0).status == (
        "not_estimable: no child observed in the first period in b"
    )
    alike = rows.assign(value=np.where(rows["period"] == 0, 0.5, rows["value"]))
    found = CHANGES["baseline_trend"](trial(alike), 0)
    assert (found.status, found.term) == ("not_identified", "baseline_trend")


def test_trends_of_authorities_are_covariates():
    rows = children(DESIGN)
    own = [(rows["authority"] == name).to_numpy() * years(rows) for name in "bcde"]
    check(change("authority_trends", trial(rows)), rows, *own)


def test_a_share_of_lockdown_that_all_have_alike_is_not_identified():
    rows = children(DESIGN)
    found = CHANGES["lockdown_share"](trial(rows), 0)
    assert (found.status, found.term) == ("not_identified", "lockdown_share")


def test_a_share_of_lockdown_that_differs_within_a_joined_period_is_a_covariate():
    rows = children(DESIGN)
    start = trial(rows)
    joined = change("merge_short_periods", start, 100).tested
    found = change("lockdown_share", replace(start, cells=joined))
    block = rows.assign(block=rows["period"].map({0: 0, 1: 1, 2: 1, 3: 3, 4: 4, 5: 4}))
    share = np.array([71 / 180, 0, 13 / 90, 0, 0, 0])[rows["period"]]
    assert fit_two_way(found.fitted).estimate == pytest.approx(coefficient(block, share, periods="block"))


def test_effects_by_stratum_and_their_difference_are_those_of_children():
    rows = children(DESIGN)
    found = change("exposure_by_stratum", trial(rows))
    high = rows["authority"].isin(["a", "b"]).to_numpy()
    x = np.column_stack([naive(rows)[:, 0] * high, naive(rows)[:, 0] * ~high, naive(rows)[:, 1:]])
    contrasts = np.zeros((3, x.shape[1]))
    contrasts[:, :2] = [[1, 0], [0, 1], [1, -1]]
    solution = np.linalg.lstsq(x, rows["value"].to_numpy(), rcond=None)[0]
    variance = cluster_variance(
        x, rows["value"].to_numpy(), np.ones(len(rows)), rows["authority"].to_numpy(), contrasts
    )
    effects = several_effects(found.fitted, found.exposures, found.differences)
    assert [effect.term for effect in effects] == ["exposed_high", "exposed_low", "exposed_high_minus_low"]
    assert [effect.estimate for effect in effects] == pytest.approx((contrasts @ solution).tolist())
    assert [effect.std_error for effect in effects] == pytest.approx(variance.std_error.tolist())
    assert [effect.df for effect in effects] == pytest.approx(variance.df.tolist())
    one = CHANGES["exposure_by_stratum"](trial(rows, design(("all",) * 5)), 0)
    assert one.status == "not_estimable: the trial has one stratum of readiness"


def test_effects_by_period_stand_where_there_is_a_contrast_and_nowhere_else():
    rows = children(DESIGN)
    found = change("exposure_by_period", trial(rows))
    assert found.absent == ("exposed_period_0",)
    effects = several_effects(found.fitted, found.exposures)
    assert [effect.identified for effect in effects] == [True] * 4 + [False]
    x = np.column_stack(
        [naive(rows)[:, 0] * (rows["period"] == p) for p in range(1, 6)] + [naive(rows)[:, 1:]]
    )
    solution = np.linalg.lstsq(x, rows["value"].to_numpy(), rcond=None)[0]
    assert [effect.estimate for effect in effects[:4]] == pytest.approx(solution[:4].tolist())
    assert np.isnan(effects[0].std_error) and effects[1].std_error > 0  # one authority, then two


def test_exposure_that_differs_between_children_is_the_regression_on_the_children():
    rows = children(DESIGN, days=True)
    cells = split_cells_of(panel_of(rows, ["authority", "period", "exposed"]))
    assert cells.several_rows
    fit = fit_two_way(cells)
    x, y, cluster = naive(rows), rows["value"].to_numpy(), rows["authority"].to_numpy()
    assert fit.estimate == pytest.approx(coefficient(rows), abs=1e-10)
    assert fit.std_error == pytest.approx(clustered(x, y, cluster, cells.n_cells, 7), rel=1e-8)
    assert (fit.df, fit.n_cells) == (4, cells.n_cells)
    effect = several_effects(cells, {"exposed": cells.exposed})[0]
    by_child = cluster_variance(x, y, np.ones(len(y)), cluster, np.eye(1, x.shape[1]))
    assert effect.std_error == pytest.approx(float(by_child.std_error[0]), rel=1e-8)
    assert effect.df == pytest.approx(float(by_child.df[0]), rel=1e-8)
    with pytest.raises(EstimationError, match="not that of the wedge"):
        exact_test(cells, DESIGN)


def by_start(seed: int = 1) -> tuple[pd.DataFrame, Cells, Cells]:
    """Children exposed by their own dates: rows, split cells, and cells by the last start that exposes."""
    rows = children(DESIGN, seed=seed)
    own = np.random.default_rng(seed).integers(-1, 3, len(rows))
    rows["last_start"] = (rows["period"] + own).clip(0, 5)
    rows["exposed"] = (rows["last_start"] >= rows["authority"].map(DESIGN.start_period)).astype(int)
    rows["exposure_time"] = rows["exposed"]
    split = split_cells_of(panel_of(rows, ["authority", "period", "exposed"]))
    starts = panel_of(rows, ["authority", "period", "last_start"])
    return rows, split, cells_by_start(starts, DESIGN.start_period, split)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exposure_by_childrens_own_dates_has_an_exact_test_over_every_order(seed):
    rows, split, cells = by_start(seed)
    values = []
    for order in naive_orders(DESIGN):
        start = rows["authority"].map(dict(zip(DESIGN.authorities, order, strict=True)))
        values.append(coefficient(rows.assign(exposed=(rows["last_start"] >= start).astype(int))))
    test = exact_test(cells, DESIGN)
    assert test.estimate == pytest.approx(values[0], abs=1e-10)
    assert test.estimate == pytest.approx(fit_two_way(split).estimate, abs=1e-10)
    assert test.p_value == pytest.approx(naive_p(values))
    assert test.n_orders == 12


def test_cells_by_last_start_must_be_the_children_of_the_panel():
    rows, split, _ = by_start()
    starts = panel_of(rows, ["authority", "period", "last_start"])
    for wrong in (starts.iloc[1:], starts.assign(last_start=starts["last_start"].clip(upper=4))):
        with pytest.raises(EstimationError, match="not of the same children"):
            cells_by_start(wrong, DESIGN.start_period, split)
    with pytest.raises(EstimationError, match="last_start"):
        cells_by_start(starts.drop(columns="last_start"), DESIGN.start_period, split)


def test_equal_weights_give_an_authority_and_period_one_in_all():
    rows, split, cells = by_start()
    size = rows.groupby(["authority", "period"])["value"].transform("size").to_numpy()
    root = np.sqrt(1 / size)
    expected = np.linalg.lstsq(naive(rows) * root[:, None], rows["value"].to_numpy() * root, rcond=None)[0][0]
    for part in (split, cells):
        assert fit_two_way(part, weights="equal").estimate == pytest.approx(float(expected), abs=1e-10)


def test_split_cells_are_asked_for_and_checked():
    rows = children(DESIGN, days=True)
    frame = panel_of(rows, ["authority", "period", "exposed"])
    with pytest.raises(EstimationError, match="occurs more than once"):
        cells_of(frame)
    wrong = pd.concat([frame, frame.iloc[:1]]).assign(exposed=lambda table: table["exposed"].replace(1, 2))
    with pytest.raises(EstimationError) as caught:
        split_cells_of(wrong)
    assert "occurs more than once" in str(caught.value) and "other than 0 and 1" in str(caught.value)
    with pytest.raises(EstimationError, match="lacks columns"):
        split_cells_of(frame.drop(columns="exposed"))
    one = panel_of(children(DESIGN), ["authority", "period", "exposed"])
    same = split_cells_of(one)
    assert all(
        np.array_equal(getattr(same, name), getattr(cells_of(one), name)) for name in ("mean", "weight")
    )


@pytest.mark.parametrize("statistic", ["two_way", "studentised", "vertical", "crossover"])
def test_authorities_never_exposed_stay_so_under_every_order(statistic):
    wedge = design(never=("z", "y"))
    rows = children(wedge)
    cells = trial(rows, wedge).cells
    test = exact_test(cells, wedge, statistic=statistic)
    assert test.n_orders == 12
    assert not cells.exposed[cells.authority >= 5].any()
    with pytest.raises(EstimationError, match="Not in the wedge: y, z"):
        exact_test(cells, replace(wedge, never_exposed=()))
    if statistic == "two_way":
        values = list(enumerated(rows, wedge))
        assert test.estimate == pytest.approx(values[0], abs=1e-10)
        assert test.p_value == pytest.approx(naive_p(values))
        assert fit_two_way(cells).df == 6


def test_of_authorities_never_exposed_those_named_remain():
    wedge = design(never=("z", "y"))
    assert wedge.among(["a", "b", "z"]).never_exposed == ("z",)
    assert wedge.among("abcde").never_exposed == ()
    for names in itertools.combinations("abcdezy", 3):
        assert wedge.among(names).n_orders == wedge.among(set(names) - {"z", "y"}).n_orders


def test_confidence_sets_under_a_change_hold_what_the_test_does_not_reject():
    """The set by inversion against the test repeated on outcomes with each effect taken out."""
    rows = children(design(("all",) * 5))
    wedge = design(("all",) * 5)
    found = change("merge_short_periods", trial(rows, wedge), 100)
    block = rows["period"].map({0: 0, 1: 1, 2: 1, 3: 3, 4: 4, 5: 4})
    test = exact_test(found.tested, wedge, conf_level=0.8)
    low, high = test.conf_low, test.conf_high
    for effect, inside in (
        (low - 1e-3, False),
        (low + 1e-3, True),
        (high - 1e-3, True),
        (high + 1e-3, False),
    ):
        without = rows.assign(value=rows["value"] - effect * rows["exposed"], block=block)
        p_value = naive_p(list(enumerated(without, wedge, periods="block")))
        assert (p_value > 0.2 - 1e-9) is inside


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(CHANGES)), shuffled=st.integers(0, 99))
def test_names_and_the_order_of_rows_do_not_matter(seed, name, shuffled):
    """Authorities renamed in reverse, rows shuffled: every change estimates the same."""
    rows = children(DESIGN, seed=seed)
    new = dict(zip("abcde", "vutsr", strict=True))
    renamed = replace(
        DESIGN,
        authorities=tuple(new.values()),
        go_live={new[slug]: day for slug, day in DESIGN.go_live.items()},
        stratum={new[slug]: stratum for slug, stratum in DESIGN.stratum.items()},
    )
    moved = rows.assign(authority=rows["authority"].map(new)).sample(frac=1, random_state=shuffled)
    days = 100 if name in COUNTS_DAYS else 0
    one, other = CHANGES[name](trial(rows), days), CHANGES[name](trial(moved, renamed), days)
    assert one.status == other.status
    first, second = fit_two_way(one.fitted), fit_two_way(other.fitted)
    assert first.estimate == pytest.approx(second.estimate, abs=1e-9)
    assert first.std_error == pytest.approx(second.std_error, rel=1e-6)
    assert exact_test(one.tested, DESIGN).p_value == exact_test(other.tested, renamed).p_value
    if one.exposures:
        pairs = zip(
            several_effects(one.fitted, one.exposures, one.differences),
            several_effects(other.fitted, other.exposures, other.differences),
            strict=True,
        )
        for a, b in pairs:
            assert a.term == b.term and a.identified == b.identified
            assert a.estimate == pytest.approx(b.estimate, abs=1e-9, nan_ok=True)


def test_nothing_to_start_from_gives_a_reason_not_a_crash():
    empty = panel_of(children(DESIGN), ["authority", "period", "exposed"]).assign(n_children=0)
    for name, make in CHANGES.items():
        found = make(Trial(cells_of(empty), DESIGN, LOCKDOWNS), 100 if name in COUNTS_DAYS else 0)
        assert isinstance(found.fitted, Cells)
        assert found.status != "ok" or not fit_two_way(found.fitted).ok
