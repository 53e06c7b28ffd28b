"""Definitions of exposure: each by hand, and the panel that a regression by them needs."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from cohort_frames import referrals, returns

from sfpc_book.cohort.build import Cohort, build_cohort
from sfpc_book.cohort.by_start import panel_by_start
from sfpc_book.cohort.exposures import EXPOSURES, Span
from sfpc_book.errors import StudyDefinitionError
from sfpc_book.study.study import Study, load_study
from sfpc_book.study.wedge import wedge_of

MODEL = "family_safeguarding"
OTHERS = ("midpoint", "midpoint_until_care", "days_28", "days_28_until_care")


@pytest.fixture(scope="module")
def study(repository) -> Study:
    return load_study(repository / "study.yml")


def span(start: str, stop: str, go_live: str) -> Span:
    return Span(
        np.array([start], "datetime64[D]"), np.array([stop], "datetime64[D]"), np.datetime64(go_live, "D")
    )


@pytest.mark.parametrize(
    ("name", "start", "stop", "go_live", "exposed"),
    [
        ("go_live", "2021-01-01", "2021-01-11", "2021-01-01", True),
        ("go_live", "2021-01-01", "2021-01-11", "2021-01-02", False),
        # Ten days of follow-up: the midpoint is 6 January. Eleven days: it lies between 6 and 7 January.
        ("midpoint", "2021-01-01", "2021-01-11", "2021-01-06", True),
        ("midpoint", "2021-01-01", "2021-01-11", "2021-01-07", False),
        ("midpoint", "2021-01-01", "2021-01-12", "2021-01-06", True),
        ("midpoint", "2021-01-01", "2021-01-12", "2021-01-07", False),
        ("midpoint", "2021-01-01", "2021-01-01", "2021-01-01", True),  # care on the day: no follow-up
        # 28 days from 4 January up to and without 1 February.
        ("days_28", "2021-01-01", "2021-02-01", "2021-01-04", True),
        ("days_28", "2021-01-01", "2021-02-01", "2021-01-05", False),
        ("days_28", "2021-01-04", "2021-02-01", "2020-01-01", True),  # before go-live counts nothing
        ("days_28", "2021-01-05", "2021-02-01", "2020-01-01", False),
        *((name, "2021-01-01", "2031-01-01", "NaT", False) for name in ("go_live", "midpoint", "days_28")),
    ],
)
def test_a_rule_says_what_a_hand_counts(study, name, start, stop, go_live, exposed):
    assert EXPOSURES[name](span(start, stop, go_live), study.exposures[name]).tolist() == [exposed]


def test_each_definition_of_the_study_has_a_rule_and_an_unknown_one_is_refused(study):
    assert set(study.exposures) == set(EXPOSURES) == {"go_live", *OTHERS}
    odd = study.model_copy(update={"exposures": {"yesterday": study.exposures["midpoint"]}})
    with pytest.raises(StudyDefinitionError, match=r"yesterday.*midpoint"):
        build_cohort(odd, MODEL, {"walsall": returns(referrals([{}]))})


def test_a_count_of_days_must_say_how_many(study):
    with pytest.raises(StudyDefinitionError, match="'days_28' counts days"):
        EXPOSURES["days_28"](
            span("2021-01-01", "2021-02-01", "2021-01-04"),
            study.exposures["days_28"].model_copy(update={"days": None}),
        )


def test_a_child_is_exposed_by_its_own_follow_up(study):
    """Walsall goes live on 1 September 2020. 18 months of a child referred on 1 July 2020 end on 1 January
    2022: 549 days; go-live is on day 62. Care on 1 November ends follow-up on day 123, whose half is 61.5:
    not exposed."""
    days = {"soon": "2020-09-02"} | dict.fromkeys(("none", "care", "later", "unasked"), "2020-07-01")
    rows = [{"child_id": child, "referral_date": day} for child, day in days.items()]
    care = [("care", "2020-11-01", None), ("later", "2020-11-02", None), ("soon", "2020-09-12", None)]
    tables = returns(referrals(rows), unasked=("unasked",), dr3_care=care)
    children = build_cohort(study, MODEL, {"walsall": tables}).children.set_index("child_id")
    found = {name: children[f"exposed_{name}_18"].to_dict() for name in OTHERS}
    assert found["midpoint"] == {"none": 1, "care": 1, "later": 1, "soon": 1, "unasked": 1}
    assert found["days_28"] == {"none": 1, "care": 1, "later": 1, "soon": 1, "unasked": 1}
    unknown = found["midpoint_until_care"].pop("unasked"), found["days_28_until_care"].pop("unasked")
    assert all(pd.isna(value) for value in unknown)  # not linked is never "did not enter care"
    assert found["midpoint_until_care"] == {"none": 1, "care": 0, "later": 1, "soon": 1}
    assert found["days_28_until_care"] == {"none": 1, "care": 1, "later": 1, "soon": 0}
    assert children["exposed"].to_dict() == {"none": 0, "care": 0, "later": 0, "soon": 1, "unasked": 0}


def test_exposure_until_care_is_not_known_where_the_records_end_before_the_horizon(study):
    rows = [
        {"child_id": "early", "referral_date": "2020-07-01"},
        {"child_id": "late", "referral_date": "2020-08-01"},
    ]
    covered = ("2018-04-01", "2022-01-01")
    care = [("late", "2020-08-02", None)]
    tables = returns(referrals(rows), covered=covered, dr3_care=care)
    built = build_cohort(study, MODEL, {"walsall": tables})
    children = built.children.set_index("child_id")
    assert children["exposed_midpoint_until_care_18"].isna().to_dict() == {"early": False, "late": True}
    assert children["exposed_midpoint_until_care_36"].isna().all()
    sizes = built.exposures.set_index(["exposure", "horizon"])["n_unknown"]
    assert sizes["midpoint_until_care", 18] == 1
    assert sizes["midpoint_until_care", 36] == 2
    assert sizes["midpoint", 36] == 0


def crowd(seed: int, n: int = 400) -> dict[str, pd.DataFrame]:
    """One authority's children around the go-lives, some in care."""
    generator = np.random.default_rng(seed)
    day = pd.Timestamp("2020-03-01") + pd.to_timedelta(generator.integers(0, 990, n), unit="D")
    rows = [{"child_id": f"c{i}", "referral_date": str(when.date())} for i, when in enumerate(day)]
    lag = generator.integers(0, 700, n)
    care = [
        (f"c{i}", str((when + pd.Timedelta(days=int(lag[i]))).date()), None)
        for i, when in enumerate(day)
        if generator.random() < 0.4
    ]
    return returns(referrals(rows), dr3_care=care)


def dummies(*groups: pd.Series) -> np.ndarray:
    """An indicator column per level of each group, the first level of all but the first group left out."""
    parts = [pd.get_dummies(group, drop_first=place > 0, dtype=float) for place, group in enumerate(groups)]
    return np.column_stack([part.to_numpy() for part in parts])


@pytest.fixture(scope="module")
def built(study) -> Cohort:
    slugs = ("walsall", "telford_and_wrekin", "swindon")
    return build_cohort(study, MODEL, {slug: crowd(place) for place, slug in enumerate(slugs)})


@pytest.mark.parametrize("exposure", ["go_live", *OTHERS])
def test_a_regression_on_the_panel_is_the_regression_on_the_children(built, exposure):
    column = "exposed" if exposure == "go_live" else f"exposed_{exposure}_18"
    exposed = built.children.set_index("child_key")[column]
    rows = built.outcomes[(built.outcomes["outcome"] == "looked_after") & (built.outcomes["horizon"] == 18)]
    rows = rows[rows["state"] == "observed"].assign(by=lambda frame: frame["child_key"].map(exposed))
    rows = rows[rows["by"].notna()]
    design = np.column_stack(
        [dummies(rows["authority"].astype("str"), rows["period"]), rows["by"].to_numpy(float)]
    )
    of_children = np.linalg.lstsq(design, rows["value"].to_numpy(float))[0][-1]
    cells = built.panel[
        (built.panel["sample"] == "main") & (built.panel["exposure"] == exposure)
        & (built.panel["outcome"] == "looked_after") & (built.panel["horizon"] == 18)
        & (built.panel["n_children"] > 0)
    ]  # fmt: skip
    assert cells["n_children"].sum() == len(rows)
    assert ((cells["exposure_time"] > 0) == (cells["exposed"] == 1)).all()
    weight = np.sqrt(cells["n_children"].to_numpy(float))
    design = (
        np.column_stack([dummies(cells["authority"], cells["period"]), cells["exposed"]]) * weight[:, None]
    )
    of_cells = np.linalg.lstsq(design, cells["value_mean"].to_numpy(float) * weight)[0][-1]
    np.testing.assert_allclose(of_cells, of_children, atol=1e-10)
    assert abs(of_children) > 1e-6


def test_the_sizes_of_the_definitions_are_counts_of_the_children(study, built):
    children = built.children
    for row in built.exposures.to_dict("records"):
        column = "exposed" if row["exposure"] == "go_live" else f"exposed_{row['exposure']}_{row['horizon']}"
        exposed, known = children[column].fillna(0).astype(bool), children[column].notna()
        main = children["exposed"] == 1
        assert row["n_children"] == len(children)
        assert row["n_exposed"] == (exposed & known).sum()
        assert row["n_unexposed"] == (~exposed & known).sum()
        assert row["n_unknown"] == (~known).sum()
        assert row["n_gained"] == (known & exposed & ~main).sum()
        assert row["n_lost"] == (known & ~exposed & main).sum()
    assert set(zip(built.exposures["exposure"], built.exposures["horizon"], strict=True)) == {
        (name, horizon) for name in study.exposures for horizon in study.horizons
    }


def test_every_sample_and_exposure_has_both_horizons_and_their_dates(study, built):
    """The date of observability is by design: it holds for every sample, as every index lies in the
    window."""
    keys = ["sample", "exposure", "outcome"]
    horizons = built.panel.groupby(keys)["horizon"].agg(lambda values: tuple(sorted(set(values))))
    assert set(horizons) == {study.horizons}
    pairs = set(horizons.index.droplevel("outcome"))
    assert pairs == {(name, "go_live") for name in study.samples if name != "with_leicester"} | {
        ("main", name) for name in OTHERS
    }
    dated = built.observability.groupby(["outcome", "horizon"])["fully_observed_from"].nunique()
    assert (dated == 1).all()
    assert set(dated.index) == {
        (name, months) for name in study.models[MODEL].outcomes for months in study.horizons
    }


def test_the_last_start_says_who_is_exposed_when_authorities_exchange_go_lives(study, built):
    """Against the cohort of a study in which three authorities have each other's dates."""
    slugs = ("walsall", "telford_and_wrekin", "swindon")
    dates = {slug: study.authorities[slug].go_live for slug in slugs}
    for order in itertools.permutations(slugs):
        authorities = dict(study.authorities)
        for slug, other in zip(slugs, order, strict=True):
            authorities[slug] = authorities[slug].model_copy(update={"go_live": dates[other]})
        exchanged = study.model_copy(update={"authorities": authorities})
        again = build_cohort(exchanged, MODEL, {slug: crowd(place) for place, slug in enumerate(slugs)})
        start = built.children["authority"].astype("str").map(wedge_of(exchanged, MODEL).start_period)
        for name, horizon in itertools.product(OTHERS, study.horizons):
            under = (built.children[f"last_start_{name}_{horizon}"] >= start).astype("Int8")
            expected = again.children[f"exposed_{name}_{horizon}"].astype("Int8")
            pd.testing.assert_series_equal(under, expected, check_names=False)


def test_the_panel_by_last_start_holds_the_children_of_the_panel(study, built):
    wedge, others = wedge_of(study, MODEL), [study.exposures[name] for name in OTHERS]
    table = panel_by_start(built.children, built.outcomes, others, study.horizons, study.samples)
    assert set(table["sample"]) == {"main"} and set(table["exposure"]) == set(OTHERS)
    start = table["authority"].map(wedge.start_period)
    key = ["sample", "exposure", "outcome", "horizon", "authority", "period", "exposed"]
    found = table.assign(
        exposed=(table["last_start"] >= start).astype(int),
        value_sum=table["n_children"] * table["value_mean"],
    )
    found = found.groupby(key)[["n_children", "value_sum"]].sum()
    panel = built.panel[(built.panel["exposure"] != "go_live") & (built.panel["n_children"] > 0)]
    expected = panel.set_index(key)[["n_children", "value_sum"]].sort_index()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
