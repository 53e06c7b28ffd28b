"""Every method of the door on tables that break it: a status or a number with its reason, never a warning."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from sfpc_book.errors import EstimationError
from sfpc_book.estimate import logit, mixed_logit
from sfpc_book.estimate.methods import METHODS, estimate_table, methods_of, not_used
from sfpc_book.estimate.trial_table import Roles, TrialTable, trial_table

pytestmark = pytest.mark.filterwarnings("error")
ROLES = Roles("y", "exposed", "cluster", "period", "n", "group", ("x",))


def children(n: int = 480, seed: int = 4) -> pd.DataFrame:
    """Four clusters in six periods, one after the other exposed; x is a number, n counts, group a stratum."""
    rng = np.random.default_rng(seed)
    cells = [(c, p, int(p > c)) for c in range(4) for p in range(6)]
    frame = pd.DataFrame(cells * (n // len(cells)), columns=["cluster", "period", "exposed"])
    frame["x"] = rng.normal(size=len(frame)).round(2)
    frame["y"] = rng.binomial(1, np.where(frame["x"] > 0, 0.4, 0.25))
    return frame.assign(n=1, group="all")


TRAPS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "separation": lambda f: f.assign(x=f["y"] * 1.0),
    "quasi-separation": lambda f: f.assign(x=((f["y"] == 1) & (f.index % 7 == 0)) * 1.0),
    "an empty cell": lambda f: f[~((f["cluster"] == 3) & (f["period"] == 1))],
    "an empty cell where exposure begins": lambda f: f[~((f["cluster"] == 2) & (f["period"] == 3))],
    "the same with a row of weight 0": lambda f: f.assign(
        n=1 - ((f["cluster"] == 2) & (f["period"] == 3)).astype(int)
    ),
    "constant outcome": lambda f: f.assign(y=1),
    "one cluster": lambda f: f[f["cluster"] == 1],
    "all exposed": lambda f: f.assign(exposed=1),
    "none exposed": lambda f: f.assign(exposed=0),
    "weights of zero": lambda f: f.assign(n=0),
    "a missing period": lambda f: f[f["period"] != 2],
    "gaps between periods": lambda f: f.assign(period=f["period"] ** 3 + 7),
    "two periods": lambda f: f[f["period"].isin([1, 4])],
    "one period": lambda f: f[f["period"] == 2],
    "two clusters": lambda f: f[f["cluster"] < 2],
    "more parameters than clusters": lambda f: f.assign(x=f["x"].round(0)),
    "one child in each cell": lambda f: f.iloc[:24],
    "one child in each cell, all alike": lambda f: f.iloc[:24].assign(y=lambda g: g["exposed"]),
    "a lone child": lambda f: f.iloc[:1],
    "collinear covariate": lambda f: f.assign(x=2.0 * f["period"] + 1),
    "constant covariate": lambda f: f.assign(x=3.0),
    "covariate is exposure": lambda f: f.assign(x=1.0 - f["exposed"]),
    "covariate of another size": lambda f: f.assign(x=f["x"] * 1e9),
    "more columns than children": lambda f: f.iloc[:24].assign(x=[f"level {i}" for i in range(24)]),
    "a huge outcome": lambda f: f.assign(y=f["y"] * 1e12),
    "a tiny outcome": lambda f: f.assign(y=f["y"] * 1e-12),
    "an outcome far from 0": lambda f: f.assign(y=f["y"] + 1e9),
    "an exact fit": lambda f: f.assign(y=0.1 * f["exposed"] + 0.01 * f["period"] + 0.05 * f["cluster"]),
    "one event": lambda f: f.assign(y=(f.index == 5).astype(int)),
    "no event but in one cluster": lambda f: f.assign(y=f["y"] * (f["cluster"] == 1)),
    "a huge weight": lambda f: f.assign(n=np.where(f.index == 5, 1e4, 1)),
    "exposure that goes back": lambda f: f.assign(exposed=f["period"] % 2),
    "one date for all": lambda f: f.assign(exposed=(f["period"] > 2).astype(int)),
    "a stratum of each cluster": lambda f: f.assign(group=f["cluster"]),
}


@cache
def rows(trap: str) -> tuple[TrialTable, pd.DataFrame]:
    table = trial_table(TRAPS[trap](children()), ROLES)
    return table, estimate_table(table, METHODS, outcome="y")


@pytest.mark.parametrize("trap", TRAPS)
def test_every_row_has_a_number_with_its_error_or_says_why_not(trap: str) -> None:
    _, found = rows(trap)
    for row in found.to_dict("records"):
        name = f"{row['analysis']} {row['term']}: {row['status']}, {row['reference']}"
        if row["status"] != "ok":
            assert all(math.isnan(row[part]) for part in ("estimate", "std_error", "p_value", "conf_low")), (
                name
            )
            continue
        assert math.isfinite(row["estimate"]), name
        assert row["std_error"] >= 0 or math.isnan(row["std_error"]), name
        tested = not math.isnan(row["p_value"]) or row["estimand"] == "risk"  # of a risk no test asks for 0
        judged = tested and not math.isnan(row["conf_low"])
        assert judged or row["reference"].startswith("none: "), name


@pytest.mark.parametrize("trap", TRAPS)
def test_every_method_that_was_asked_for_has_a_row(trap: str) -> None:
    assert set(METHODS) <= set(rows(trap)[1]["analysis"])


def status(trap: str, method: str) -> str:
    found = rows(trap)[1]
    return found.loc[found["analysis"] == method, "status"].iloc[0]


@pytest.mark.parametrize(
    ("trap", "method", "words"),
    [
        ("separation", "fixed_effects_logit_cr2", "separation"),
        ("quasi-separation", "mixed_logit", "separation"),
        ("constant outcome", "randomisation", "constant outcome"),
        ("one cluster", "linear_cr2", "one authority"),
        ("all exposed", "panel_two_way", "not_identified"),
        ("none exposed", "mixed_logit", "not_identified"),
        ("weights of zero", "randomisation", "no child with an observed outcome"),
        ("collinear covariate", "linear_cr2", "say the same as others"),
        ("constant covariate", "mixed_logit", "say the same as others"),
        ("covariate is exposure", "fixed_effects_logit_cr2", "not_identified"),
        ("an empty cell where exposure begins", "randomisation", "exposure of '2' may have begun"),
        ("an exact fit", "linear_cr2", "no variation left"),
        ("exposure that goes back", "panel_two_way", "kept from then on"),
        ("two clusters", "panel_two_way", "too few clusters"),
        ("one period", "panel_two_way", "not_identified"),
    ],
)
def test_the_status_names_the_cause(trap: str, method: str, words: str) -> None:
    assert words in status(trap, method)


@pytest.mark.parametrize("trap", ["an empty cell", "gaps between periods", "a stratum of each cluster"])
def test_what_can_be_estimated_is(trap: str) -> None:
    assert (rows(trap)[1]["status"] == "ok").mean() > 0.9


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"]]


def test_unit_and_origin_of_a_covariate_and_gaps_between_periods_change_nothing() -> None:
    plain = estimate_table(trial_table(children(), ROLES), METHODS, outcome="y")
    for trap in ("covariate of another size", "gaps between periods"):
        found = rows(trap)[1]
        assert (found["status"] == plain["status"]).all()
        np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("trap", "size"), [("a huge outcome", 1e12), ("an outcome far from 0", 1.0)])
def test_unit_and_origin_of_the_outcome_change_nothing(trap: str, size: float) -> None:
    """To 1e-5: a cell's mean beside a level of 1e9 has lost nine of its sixteen digits."""
    names = methods_of("linear")
    found = estimate_table(rows(trap)[0], names, outcome="y")
    number = children().assign(y=lambda frame: frame["y"] * 2.0)  # not 0 and 1, so a number as the others are
    plain = estimate_table(trial_table(number, ROLES), names, outcome="y")
    assert (found["status"] == plain["status"]).all()
    for column, factor in {"estimate": 2 / size, "std_error": 2 / size, "p_value": 1, "df": 1}.items():
        np.testing.assert_allclose(found[column] * factor, plain[column], rtol=1e-5, atol=1e-7)


def test_a_row_of_weight_0_tells_when_an_empty_cell_began() -> None:
    told = rows("the same with a row of weight 0")[1]
    assert (told["status"] == "ok").mean() > 0.9
    silent = rows("an empty cell where exposure begins")[1].set_index("analysis")
    both = told.set_index("analysis")
    for name in ("panel_two_way", "linear_cr2", "hussey_hughes"):
        assert silent.loc[name, "estimate"] == pytest.approx(both.loc[name, "estimate"])


def test_cells_of_a_number_have_effects_only_where_single_children_are_known() -> None:
    by_child = children().assign(y=lambda frame: frame["x"] + frame["y"])
    means = by_child.groupby(["cluster", "period", "exposed", "group"], as_index=False).agg(
        y=("y", "mean"), n=("y", "size")
    )
    roles = replace(ROLES, covariates=())
    names = ["hussey_hughes", "hussey_hughes_cells"]
    found = estimate_table(trial_table(by_child, roles), names, outcome="y")
    assert (found["status"] == "ok").all()
    of_means = estimate_table(trial_table(means, roles), names, outcome="y")
    assert of_means["status"].tolist()[0] == "ok"
    assert "rows of single children" in of_means["status"].tolist()[1]


@pytest.mark.parametrize("method", methods_of("logit"))
def test_a_model_that_does_not_converge_says_so(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed_logit, "GRADIENT", -1.0)
    if method.startswith("fixed"):
        monkeypatch.setattr(logit, "ITERATIONS", 1)
        monkeypatch.setattr(logit, "NEAR_STEPS", 0)
    found = estimate_table(trial_table(children(), ROLES), [method], outcome="y")
    assert found["status"].str.startswith("not_estimable: not converged").all()
    assert numbers(found).isna().all(axis=None)


def test_a_term_without_an_interval_says_why() -> None:
    found = rows("an empty cell")[1]
    last = found[found["term"] == "exposure_time_5"].iloc[0]
    assert last["status"] == "ok" and math.isnan(last["conf_low"])
    assert last["reference"].startswith("none: one authority reached this exposure time")


def test_options_that_a_method_does_not_use_are_told() -> None:
    names = ("panel_two_way", "randomisation", "linear_cr2")
    idle = not_used(ROLES, names)
    assert idle == {
        "covariates": ("panel_two_way", "randomisation"),
        "stratum": ("panel_two_way", "linear_cr2"),
    }
    assert not_used(replace(ROLES, covariates=(), stratum=None), names) == {}
    assert not_used(replace(ROLES, stratum=None), ["linear_cr2"]) == {}
    found = estimate_table(trial_table(children(), ROLES), names, outcome="y").set_index("analysis")
    assert found.loc["panel_two_way", "reference"].endswith("; without covariates")
    assert "without" not in found.loc["linear_cr2", "reference"]


def at_row_3(column: str, value: object) -> pd.DataFrame:
    frame = children().astype({column: object})
    frame.loc[2, column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "roles", "words"),
    [
        (at_row_3("y", np.inf), ROLES, "'y' is not a finite number in row(s) 3"),
        (children().assign(x=np.inf), ROLES, "covariate 'x' is not a finite number in row(s) 1, 2"),
        (at_row_3("n", np.inf), ROLES, "'n' is not a finite number of at least 0 in row(s) 3"),
        (at_row_3("n", None), ROLES, "'n' (weights) is blank in row(s) 3"),
        (at_row_3("x", "12,5"), ROLES, "'x' holds numbers but for text in row(s) 3; mend"),
        (at_row_3("exposed", 0.5), ROLES, "'exposed' is neither 0 nor 1 in row(s) 3"),
        (at_row_3("cluster", None), ROLES, "'cluster' (cluster) is blank in row(s) 3"),
        (children(), replace(ROLES, exposed="y"), "'y' is given as outcome and exposed"),
        (children(), replace(ROLES, covariates=("x", "x")), "'x' is given as covariate x and x again"),
        (children(), replace(ROLES, covariates=("period",)), "'period' is given as period and covariate"),
        (pd.concat([children(), children()["y"]], axis=1), ROLES, "2 columns are called 'y'"),
    ],
)  # fmt: skip
def test_a_table_that_would_mislead_is_refused(frame: pd.DataFrame, roles: Roles, words: str) -> None:
    with pytest.raises(EstimationError) as error:
        trial_table(frame, roles)
    assert words in error.value.text()
