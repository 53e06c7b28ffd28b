"""A model for the scale of an outcome: Poisson and fractional logit against R and statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from estimate_frames import FIVE, FIVE_STRATA, GOLDEN, panel, wedge
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sfpc_book.errors import EstimationError
from sfpc_book.estimate.cells import cells_of
from sfpc_book.estimate.child_models import Children, Term
from sfpc_book.estimate.estimate import NOT_ESTIMABLE, TIDY_COLUMNS
from sfpc_book.estimate.poisson import fit_poisson, has_rows_apart
from sfpc_book.estimate.scale_estimates import (
    ScaleData,
    children_of,
    scale_estimates,
)
from sfpc_book.estimate.scale_models import APART, ONE_SIDED, logit_shares, poisson_rates, standardise_rates
from sfpc_book.study.study import Study, load_study

FOLDER = GOLDEN / "poisson_5_clusters"
CLOSE = 1e-8  # references are stored with 15 digits; both sides stop iterating at a deviance of 1e-12
CLOSE_P = 1e-7  # a tail probability multiplies what its statistic and degrees of freedom miss
DESIGN = wedge(FIVE, FIVE_STRATA)


def of_children(outcome: str) -> Children:
    rows = pd.read_csv(FOLDER / "children.csv")
    return children(rows, rows[outcome].to_numpy(float), np.ones(len(rows)))


def children(rows: pd.DataFrame, outcome: np.ndarray, weight: np.ndarray) -> Children:
    return Children(
        outcome,
        rows["exposed"].to_numpy(float),
        rows["authority"].to_numpy(str),
        rows["period"].to_numpy(),
        weight,
        np.empty((len(rows), 0)),
    )


def by_cell(outcome: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Cells, their sums, their numbers of children."""
    rows = pd.read_csv(FOLDER / "children.csv")
    cells = rows.groupby(["authority", "period", "exposed"])[outcome].agg(["sum", "size"]).reset_index()
    return cells, cells["sum"].to_numpy(float), cells["size"].to_numpy(float)


def reference(model: str) -> pd.Series:
    return pd.read_csv(FOLDER / "reference.csv").set_index("model").loc[model]


def standardised(model: str) -> pd.Series:
    table = pd.read_csv(FOLDER / "reference_standardised.csv")
    return table[table["model"] == model].set_index("quantity")["value"]


def same(term: Term, expected: pd.Series) -> None:
    p = 2 * stats.t.sf(abs(term.estimate / term.std_error), term.df)
    found = [term.estimate, term.std_error, term.df]
    wanted = [float(expected[name]) for name in ("estimate", "std_error", "df")]
    assert found == pytest.approx(wanted, rel=CLOSE)
    assert p == pytest.approx(float(expected["p_value"]), rel=CLOSE_P)


def test_poisson_of_children_and_of_their_cells_equal_clubsandwich() -> None:
    cells, total, size = by_cell("placements")
    for rows in (of_children("placements"), children(cells, total / size, size)):
        ratio, difference = poisson_rates(rows, "placements")
        same(ratio, reference("poisson_children"))
        means = standardised("poisson_children")
        assert difference.estimate == pytest.approx(means["exposed"] - means["unexposed"], rel=CLOSE)


def test_poisson_of_sums_with_an_offset_equals_clubsandwich() -> None:
    cells, total, size = by_cell("placements")
    rows = children(cells, total, np.ones(len(cells)))
    ratio, difference = poisson_rates(rows, "placements", size=size, per=1000)
    same(ratio, reference("poisson_totals"))
    means = standardised("poisson_totals")
    assert difference.estimate == pytest.approx(1000 * (means["exposed"] - means["unexposed"]), rel=CLOSE)
    assert difference.unit == "placements"


def test_fractional_logit_of_children_and_of_their_cells_equal_clubsandwich() -> None:
    cells, total, size = by_cell("share")
    for rows in (of_children("share"), children(cells, total / size, size)):
        ratio, difference, _ = logit_shares(rows, "proportion of sessions")
        same(ratio, reference("fractional_logit"))
        means = standardised("fractional_logit")
        assert difference.estimate == pytest.approx(means["exposed"] - means["unexposed"], rel=CLOSE)
        assert difference.unit == "proportion of sessions"


def test_coefficients_equal_statsmodels_formula_and_a_naive_newton_method() -> None:
    rows = pd.read_csv(FOLDER / "children.csv")
    formula = "placements ~ exposed + C(period) + authority"
    theirs = sm.GLM.from_formula(formula, rows, family=sm.families.Poisson()).fit(tol=1e-13)
    design = of_children("placements").fixed_effects()
    outcome = rows["placements"].to_numpy(float)
    ours = fit_poisson(design, outcome)
    assert ours.coefficients[0] == pytest.approx(theirs.params["exposed"], rel=CLOSE)
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        mean = np.exp(design @ beta)
        beta += np.linalg.solve(design.T @ (mean[:, None] * design), design.T @ (outcome - mean))
    assert ours.coefficients == pytest.approx(beta, rel=1e-7)


def test_the_gradient_of_the_rate_difference_equals_its_numerical_slope() -> None:
    rows = of_children("placements")
    design, share = rows.fixed_effects(), rows.weight
    beta = fit_poisson(design, rows.outcome).coefficients
    found = standardise_rates(design, beta, 0, share)
    step = 1e-6
    slopes = [
        (
            standardise_rates(design, beta + step * unit, 0, share).difference
            - standardise_rates(design, beta - step * unit, 0, share).difference
        )
        / (2 * step)
        for unit in np.eye(len(beta))
    ]
    assert found.gradient == pytest.approx(np.array(slopes), abs=1e-7)
    assert np.log(found.exposed / found.unexposed) == pytest.approx(beta[0])


def small(change: dict[tuple[str, int], float] | None = None, *, authorities: str = "abcde") -> Children:
    """A wedge of 30 cells with counts; `change` sets the mean of some."""
    frame = panel(DESIGN, seed=3).assign(value_mean=lambda rows: 1 + rows["value_mean"])
    frame = frame[frame["authority"].isin(list(authorities))].set_index(["authority", "period"])
    for cell, value in (change or {}).items():
        frame.loc[cell, "value_mean"] = value
    return children_of(cells_of(frame.reset_index()))


QUIET = {("c", period): 0.0 for period in range(6)}
EMPTY_PERIOD = {(name, 2): 0.0 for name in "abcde"}


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        (small(dict.fromkeys([(a, p) for a in "abcde" for p in range(6)], 0.0)), "no events"),
        (small(QUIET), "no event in authority c"),
        (small(EMPTY_PERIOD), "no event in period 2"),
        (small(QUIET | EMPTY_PERIOD), "no event in authority c, period 2"),
        (small(authorities="a"), "one authority"),
        (small(authorities=""), "no child with an observed outcome"),
    ],
)
def test_a_rate_that_cannot_be_had_names_its_cause(rows: Children, status: str) -> None:
    terms = poisson_rates(rows, "placements")
    assert [term.status for term in terms] == [f"{NOT_ESTIMABLE}{status}"] * 2
    assert all(np.isnan(term.estimate) for term in terms)


def test_cells_without_events_are_no_hindrance_unless_they_are_set_apart() -> None:
    assert poisson_rates(small({("c", 1): 0.0}), "placements")[0].status == "ok"
    exposed_of_a = {("a", period): 0.0 for period in range(1, 6)}
    assert poisson_rates(small(exposed_of_a), "placements")[0].status == "ok"
    alone = children(
        pd.DataFrame({"authority": list("aabb"), "period": [0, 1, 0, 1], "exposed": [0, 1, 0, 0]}),
        np.array([2.0, 0.0, 3.0, 2.0]),
        np.ones(4),
    )
    assert "no events in rows" in poisson_rates(alone, "placements")[0].status


def test_an_exposure_without_a_comparison_is_not_identified() -> None:
    rows = small()
    same_everywhere = Children(
        rows.outcome, (rows.period > 2).astype(float), rows.cluster, rows.period, rows.weight, rows.covariates
    )
    assert poisson_rates(same_everywhere, "placements")[0].status == "not_identified"


def test_rows_apart_are_found_as_by_letting_the_likelihood_run() -> None:
    """Where rows are apart, capped Newton steps drive a coefficient away; elsewhere they settle."""
    rng = np.random.default_rng(4)
    for _ in range(40):
        design = np.column_stack([np.ones(8), rng.integers(0, 2, (8, 2))])
        if np.linalg.matrix_rank(design) < 3:
            continue
        outcome = rng.poisson(0.5, 8).astype(float)
        if not outcome.any():
            continue
        beta = np.zeros(3)
        for _ in range(200):
            mean = np.exp(np.clip(design @ beta, -40, 20))
            hessian = design.T @ (mean[:, None] * design) + 1e-12 * np.eye(3)
            step = np.linalg.solve(hessian, design.T @ (outcome - mean))
            beta += step / max(1.0, np.abs(step).max())
        assert has_rows_apart(design, outcome) == (np.abs(beta).max() > 12)


@pytest.mark.parametrize(
    ("outcome", "words"), [([1.0, -1.0], "1 outcomes below 0"), ([1.0, np.nan], "not finite")]
)
def test_what_is_no_count_is_refused_with_its_number(outcome: list[float], words: str) -> None:
    with pytest.raises(EstimationError) as error:
        fit_poisson(np.ones((2, 1)), np.array(outcome), size=np.array([1.0, 0.0]))
    assert words in str(error.value.problems) and "sizes" in str(error.value.problems)


def test_shares_outside_0_to_1_have_a_status() -> None:
    rows = small({("a", 0): 1.4})
    assert {term.status for term in logit_shares(rows, "")} == {f"{NOT_ESTIMABLE}shares outside 0 to 1"}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_separation_without_covariates_is_named_for_what_sets_rows_apart(share: float) -> None:
    rows, total, size = by_cell("share")
    means = np.where(rows["authority"] == "c", share, total / size)
    found = {term.status for term in logit_shares(children(rows, means, size), "")}
    assert found == {f"{NOT_ESTIMABLE}{ONE_SIDED}"}


def test_separation_by_exposure_alone_is_not_said_to_be_an_authority_or_a_period() -> None:
    rows, total, size = by_cell("share")
    kept = ((rows["authority"] != "e") & (rows["period"] > 0)).to_numpy()  # all others have events
    means = np.where(rows["exposed"] == 1, total / size, 0.0)
    found = {term.status for term in logit_shares(children(rows[kept], means[kept], size[kept]), "")}
    assert found == {f"{NOT_ESTIMABLE}{APART}"}


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(0.1, 50), seed=st.integers(0, 10_000))
def test_the_ratio_does_not_change_with_the_unit_and_the_difference_does_in_proportion(
    factor: float, seed: int
) -> None:
    cells, total, size = by_cell("placements")
    rng = np.random.default_rng(seed)
    total = total + rng.poisson(2, len(total)) + 1
    plain = poisson_rates(children(cells, total / size, size), "")
    scaled = poisson_rates(children(cells, factor * total / size, size), "")
    assert scaled[0].estimate == pytest.approx(plain[0].estimate, rel=1e-6, abs=1e-8)
    assert scaled[0].std_error == pytest.approx(plain[0].std_error, rel=1e-6)
    assert scaled[1].estimate == pytest.approx(factor * plain[1].estimate, rel=1e-6, abs=1e-8)
    assert scaled[1].df == pytest.approx(plain[1].df, rel=1e-5)


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def data(study: Study, **changes: object) -> ScaleData:
    """Every outcome of Family Safeguarding at both horizons on the small wedge, curves and totals."""
    outcomes = study.models["family_safeguarding"].outcomes
    frame = panel(DESIGN, seed=5).assign(value_mean=lambda rows: rows["value_mean"].clip(0.001, 0.9))
    parts = [frame.assign(outcome=name, horizon=horizon) for name in outcomes for horizon in study.horizons]
    whole = pd.concat(parts, ignore_index=True)
    curves = [
        frame.assign(horizon=horizon, rule="records", quantity=quantity, n_censored=0)
        for horizon in study.horizons
        for quantity in ("risk", "restricted_mean")
    ]
    months = DESIGN.design_table().rename(columns={"period_start": "month"})
    rng = np.random.default_rng(1)
    totals = pd.concat(
        [
            months.assign(outcome=name, count=rng.poisson(50, len(months)), population=30_000.0)
            for name in study.totals
        ]
    )
    seen = pd.DataFrame({"outcome": outcomes[0], "horizon": 18, "fully_observed_from": ["2024-05-24"]})
    parts = {"panel": whole, "survival": pd.concat(curves), "totals": totals, "observability": seen}
    return ScaleData(**(parts | changes))


def test_every_row_of_the_registry_that_applies_is_there_once(study) -> None:
    rows = scale_estimates(study, DESIGN, data(study))
    assert tuple(rows.columns) == TIDY_COLUMNS
    assert not rows.duplicated(["outcome", "horizon", "analysis", "term"]).any()
    assert set(rows["analysis"]) <= set(study.analyses)
    for outcome in study.models["family_safeguarding"].outcomes:
        scale = study.outcomes[outcome].scale
        right = {part.id for part in study.analyses.values() if scale in part.scales}
        assert right and right <= set(rows.loc[rows["outcome"] == outcome, "analysis"]), outcome
    fixed = rows[rows["outcome"] == "unauthorised_absence"]
    assert fixed["horizon"].unique().tolist() == [18]
    assert set(rows.loc[rows["analysis"] == "totals_poisson", "outcome"]) == set(study.totals)
    assert (rows["status"] == "ok").all()


def test_one_word_of_the_registry_changes_the_rows(study) -> None:
    changed = study.analyses["scale_poisson"].model_copy(update={"scales": ("count",)})
    other = study.model_copy(update={"analyses": study.analyses | {"scale_poisson": changed}})
    rows = scale_estimates(other, DESIGN, data(study))
    assert not (rows["analysis"] == "scale_poisson").any()
    assert (scale_estimates(study, DESIGN, data(study))["analysis"] == "scale_poisson").sum() == 8


def test_an_outcome_that_is_not_observed_yet_says_so_with_its_date(study) -> None:
    waiting = data(study)
    later = waiting.panel["horizon"] == 36
    waiting.panel.loc[later, ["n_children", "n_not_observed"]] = [0, 50]
    rows = scale_estimates(study, DESIGN, waiting)
    ratio = rows[(rows["horizon"] == 36) & rows["analysis"].isin(["scale_logit", "scale_poisson"])]
    assert set(ratio["status"]) == {"not_observed"}
    assert ratio["estimate"].isna().all()


def test_totals_without_a_population_have_a_status(study) -> None:
    whole = data(study)
    rows = scale_estimates(study, DESIGN, data(study, totals=whole.totals.assign(population=np.nan)))
    totals = rows[rows["analysis"] == "totals_poisson"]
    assert len(totals) == len(study.totals)
    assert totals["status"].str.startswith(NOT_ESTIMABLE).all()
    assert (totals["n_clusters"] == 0).all()


def test_curves_are_tested_like_means(study) -> None:
    rows = scale_estimates(study, DESIGN, data(study)).query("outcome == 'looked_after' and horizon == 18")
    by_name = rows[rows["term"] == "exposed"].set_index("analysis")
    assert by_name.loc["risk_while_followed", "df"] == 4
    same_number = ["risk_while_followed", "risk_while_followed_cr2", "risk_while_followed_randomisation"]
    assert np.ptp(by_name.loc[same_number, "estimate"].to_numpy()) < 1e-12
    exact = by_name.loc["risk_while_followed_randomisation"]
    assert exact["n_orders"] == 12 and exact["p_minimum"] == pytest.approx(1 / 12)
    assert by_name.loc["restricted_mean", "unit"] == "days"
    assert "risk_to_18" not in by_name.index  # nobody's time at risk ends at 18 in this trial
