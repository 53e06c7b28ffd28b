"""A reader who knows every shown count to the child, and every rule, still cannot narrow a hidden one down.

Small random tables are published; a linear program then finds the least and the greatest that each hidden
small count could be, given everything on the page. Both ends must leave every number below the threshold.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from attack import Attack
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sfpc_book.cohort.sample import INCLUDED, STEPS, flow_table
from sfpc_book.errors import DisclosureError
from sfpc_book.report.disclosure import PublishedCounts, least_shown
from sfpc_book.report.disclosure_baseline import publish_descriptives, with_hidden
from sfpc_book.report.disclosure_flow import publish_flow
from sfpc_book.report.disclosure_patterns import OTHERS, publish_patterns
from sfpc_book.report.disclosure_periods import publish_cells, publish_missing, publish_missing_periods
from sfpc_book.report.disclosure_rates import publish_rates
from sfpc_book.report.disclosure_returns import publish_reading
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import Wedge, wedge_of

RULES = [
    Disclosure(threshold=threshold, rounding=rounding)
    for threshold, rounding in ((10, 5), (6, 1), (4, 10), (1, 5), (0, 1))
]
by_rule = pytest.mark.parametrize("rules", RULES, ids=lambda rules: f"{rules.threshold}-{rules.rounding}")
few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a failing table is small enough; shrinking it takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MODEL, SLUGS, PERIODS = "no_wrong_door", ("rochdale", "warrington", "norfolk"), 4
LEVELS = {
    "gender": ("Male", "Female", "Other", "missing"),
    "factor_1b": ("has not", "has", "not assessed"),
    "factor_2b": ("has not", "has", "not assessed"),
    "linked": ("no", "yes"),
}
LACKING = {"gender": ("missing",), "factor_1b": ("not assessed",), "factor_2b": ("not assessed",)}


@pytest.fixture(scope="module")
def wedge(repository) -> Wedge:
    return wedge_of(load_study(repository / "study.yml"), MODEL)


def children(seed: int, size: int, rare: float) -> pd.DataFrame:
    """Random children of three authorities: period, levels, and whether linked. The smaller, the more hidden.

    Both factors are assessed for the same children, as in the returns.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"authority": rng.choice(SLUGS, size, p=[0.55, 0.35, 0.1])})
    frame["period"] = rng.integers(0, PERIODS, size)
    frame["gender"] = rng.choice(LEVELS["gender"], size, p=[0.5, 0.5 - 2 * rare, rare, rare])
    assessed = rng.random(size) > rare
    for factor, chance in (("factor_1b", 0.3), ("factor_2b", rare)):
        found = np.where(rng.random(size) < chance, "has", "has not")
        frame[factor] = np.where(assessed, found, "not assessed")
    return frame.assign(linked=np.where(rng.random(size) > rare / 2, "yes", "no"))


def described(frame: pd.DataFrame, wedge: Wedge) -> pd.DataFrame:
    """Descriptives as the cohort writes them."""
    rows = []
    for slug in (*SLUGS, "all"):
        for exposed in (0, 1):
            part = frame[(frame["exposed"] == exposed) & ((frame["authority"] == slug) | (slug == "all"))]
            for variable, levels in LEVELS.items():
                counts = part[variable].value_counts()
                rows += [
                    (MODEL, slug, exposed, variable, level, int(counts.get(level, 0)), len(part))
                    for level in levels
                ]
    return pd.DataFrame(rows, columns=["model", "authority", "exposed", "variable", "level", "n", "total"])


def lacking(frame: pd.DataFrame) -> pd.DataFrame:
    """Missingness as the cohort writes it."""
    rows = []
    for slug in SLUGS:
        for period in range(PERIODS):
            part = frame[(frame["authority"] == slug) & (frame["period"] == period)]
            rows += [
                (MODEL, slug, period, variable, int(part[variable].isin(levels).sum()), len(part))
                for variable, levels in LACKING.items()
            ]
    return pd.DataFrame(rows, columns=["model", "authority", "period", "variable", "n_missing", "n"])


def with_exposure(frame: pd.DataFrame, wedge: Wedge) -> pd.DataFrame:
    design = wedge.design_table()[["authority", "period", "exposed"]]
    return frame.merge(design, on=["authority", "period"], how="left")


def read_baseline(attack: Attack, counts: PublishedCounts, raw: pd.DataFrame, least: int) -> None:
    """What the table of children tells of each level, by authority and exposure, and of its sums."""
    shown = counts.frame.assign(true=raw["n"].to_numpy(), true_total=raw["total"].to_numpy())
    for (slug, exposed, variable), rows in shown.groupby(["authority", "exposed", "variable"]):
        slugs = SLUGS if slug == "all" else (slug,)
        arm = [("arm", name, exposed) for name in slugs]
        if slug != "all":
            attack.same([(slug, exposed, variable, level) for level in rows["level"]], arm)
        if rows["total"].notna().all():
            attack.know(arm, rows["true_total"].iloc[0])
        for row in rows.itertuples():
            cells = [(name, exposed, variable, row.level) for name in slugs]
            if not row.suppressed:
                attack.know(cells, row.true)
            elif not rows["suppressed"].all():
                attack.know(cells, 1, 1000)
    read_flow(attack, raw, least)


def read_flow(attack: Attack, raw: pd.DataFrame, least: int) -> None:
    """What the flows tell of an authority, and that both factors come from one assessment."""
    for slug in SLUGS:
        both = raw[(raw["authority"] == slug) & (raw["variable"] == "gender")]["n"].sum()
        if both == 0 or both >= least:  # the flow shows how many there are
            attack.know([("arm", slug, 0), ("arm", slug, 1)], both)
        unlinked = raw[(raw["authority"] == slug) & (raw["variable"] == "linked") & (raw["level"] == "no")]
        if unlinked["n"].sum() == 0 or unlinked["n"].sum() >= least:  # and how many are not linked
            attack.know([(slug, exposed, "linked", "no") for exposed in (0, 1)], unlinked["n"].sum())
        for exposed in (0, 1):
            attack.same(*([(slug, exposed, name, "not assessed")] for name in ("factor_1b", "factor_2b")))


def read_periods(
    attack: Attack, counts: PublishedCounts, sizes: PublishedCounts, raw: pd.DataFrame, n: pd.Series
) -> None:
    """What the tables by period tell: how many children, and of how many a covariate is missing."""
    shown = counts.frame.merge(raw, on=["authority", "period", "variable"])
    for (slug, exposed, variable), rows in shown.groupby(["authority", "exposed", "variable"]):
        lacks = [("lacks", slug, period, variable) for period in rows["period"]]
        attack.same(lacks, [(slug, exposed, variable, level) for level in LACKING[variable]])
        attack.same([("size", slug, period) for period in rows["period"]], [("arm", slug, exposed)])
        for row, name in zip(rows.itertuples(), lacks, strict=True):
            attack.same([name, ("has", *name[1:])], [("size", slug, row.period)])
            if not row.suppressed:
                attack.know([name], row.n_missing)
            elif not rows["suppressed"].all():
                attack.unknown(name, 0 if row.n_missing == 0 else 1)
    for row, true in zip(sizes.frame.itertuples(), n, strict=True):
        if pd.notna(row.n_sample):
            attack.know([("size", row.authority, row.period)], true)


def panel_of(frame: pd.DataFrame, wedge: Wedge) -> pd.DataFrame:
    """The panel of an outcome that every linked child has observed."""
    design = wedge.design_table()
    design = design[design["authority"].isin(SLUGS) & (design["period"] < PERIODS)]
    sums = frame["linked"].eq("yes").groupby([frame["authority"], frame["period"]]).agg(["sum", "size"])
    sums = sums.reindex(pd.MultiIndex.from_frame(design[["authority", "period"]]), fill_value=0)
    return design.assign(
        n_children=sums["sum"].to_numpy(), n_not_linked=(sums["size"] - sums["sum"]).to_numpy()
    )


@by_rule
@settings(few, max_examples=4)
@given(seed=st.integers(0, 10**6), size=st.integers(5, 400), rare=st.sampled_from([0.02, 0.08, 0.2]))
def test_no_count_of_the_sample_chapter_follows_from_all_its_tables(rules, seed, size, rare, wedge):
    frame, least = with_exposure(children(seed, size, rare), wedge), least_shown(rules)
    raw, missing = described(frame, wedge), lacking(frame)
    baseline = publish_descriptives(raw, rules)
    panel = panel_of(frame, wedge)
    sizes = publish_cells(panel, baseline, rules)
    periods = publish_missing_periods(missing, wedge.design_table(), baseline, rules)
    attack = Attack()
    read_baseline(attack, baseline, raw, least)
    read_periods(attack, periods, sizes, missing, panel["n_children"] + panel["n_not_linked"])
    totals = publish_missing(missing, baseline, rules).frame.set_index(["authority", "variable"])
    for (slug, variable), rows in missing.groupby(["authority", "variable"]):
        if pd.notna(totals.loc[(slug, variable), "n"]):
            attack.know([("lacks", slug, p, variable) for p in range(PERIODS)], rows["n_missing"].sum())
    for row in raw.itertuples():
        if 0 < row.n < least:
            slugs = SLUGS if row.authority == "all" else (row.authority,)
            attack.assert_in_doubt([(slug, row.exposed, row.variable, row.level) for slug in slugs], least)
    for row in missing.itertuples():
        if 0 < row.n_missing < least:
            attack.assert_in_doubt([("lacks", row.authority, row.period, row.variable)], least)
        if 0 < row.n < least:
            attack.assert_in_doubt([("size", row.authority, row.period)], least)


@by_rule
@few
@given(
    counts=st.lists(st.integers(0, 60), min_size=8, max_size=8),
    items=st.integers(1, 3),
)
def test_a_combination_of_missing_covariates_that_is_not_named_stays_in_doubt(rules, counts, items):
    names, least = ["gender", "ethnicity", "factors"][:items], least_shown(rules)
    sets = [frozenset(part) for size in range(items + 1) for part in combinations(names, size)]
    truth = dict(zip(sets, counts, strict=False))
    rows = [(MODEL, "rochdale", "; ".join(sorted(part)), n) for part, n in truth.items() if n]
    published = publish_patterns(
        pd.DataFrame(rows, columns=["model", "authority", "pattern", "n"]), rules
    ).frame
    assert not published["n"].between(1, least - 1).any()
    named = set(published["pattern"]) - {OTHERS}
    if not named:
        return  # then what follows for a combination follows from the numbers missing, not from this table
    attack = Attack()
    for part, n in truth.items():
        if "; ".join(sorted(part)) in named:
            attack.know([part], n)
    total = sum(truth.values())
    if total >= least:
        attack.know(sets, total)
    for name in names:
        some = sum(n for part, n in truth.items() if name in part)
        if some >= least:
            attack.know([part for part in sets if name in part], some)
    for part, n in truth.items():
        if 0 < n < least:
            attack.unknown(part)
            attack.assert_in_doubt([part], least)


BOXES = [box for step in STEPS for box in step.excluded]


@by_rule
@few
@given(
    counts=st.lists(
        st.lists(st.integers(0, 40), min_size=len(BOXES) + 1, max_size=len(BOXES) + 1), min_size=1, max_size=3
    ),
    other=st.integers(1, 9),
)
def test_a_flow_is_the_same_whatever_its_hidden_boxes_hold(rules, counts, other):
    least = least_shown(rules)
    if least < 2:
        return
    place, box = len(counts) - 1, BOXES[-1 - other % 4]

    def published(change: bool) -> pd.DataFrame:
        parts = []
        for number, sizes in enumerate(counts):
            held = dict(zip([INCLUDED, *BOXES], sizes, strict=True))
            if change and number == place:
                held[INCLUDED] += held[box] - moved if box in BOXES[-2:] else 0
                held[box] = moved
            names = np.repeat(list(held), list(held.values()))
            parts.append(flow_table(pd.Series(names, dtype=object), MODEL, f"place_{number}"))
        return publish_flow(pd.concat(parts), rules).frame

    moved = 1 + other % (least - 1)
    if not 0 < counts[place][1 + BOXES.index(box)] < least:
        counts[place][1 + BOXES.index(box)] = 1
    counts[place][0] += least  # so that those linked stay above zero when fewer are
    pd.testing.assert_frame_equal(published(False), published(True))


@by_rule
def test_children_not_linked_do_not_follow_from_the_numbers_observed(rules, wedge):
    frame = with_exposure(children(3, 1500, 0.02), wedge)
    baseline = publish_descriptives(described(frame, wedge), rules)
    panel = panel_of(frame.assign(linked="yes"), wedge)
    panel = panel.assign(n_events=(panel["n_children"] * 0.4).round(), value_sum=0.0)
    least = least_shown(rules)

    def published(gap: int) -> list[pd.DataFrame]:
        first = ~panel["exposed"].duplicated()
        left = np.where(first, gap, 0)
        moved = panel.assign(n_children=panel["n_children"] - left, n_not_linked=left)
        return [publish_cells(moved, baseline, rules).frame, publish_rates(moved, wedge, rules).frame]

    for gap in range(2, least):
        for one, other in zip(published(1), published(gap), strict=True):
            pd.testing.assert_frame_equal(one, other)
    assert all(table["n_children"].notna().all() for table in published(0))


@by_rule
@few
@given(seed=st.integers(0, 10**6), size=st.integers(20, 900), risk=st.sampled_from([0.02, 0.1, 0.5, 0.97]))
def test_a_hidden_rate_does_not_follow_from_the_others_and_the_total(rules, seed, size, risk, wedge):
    rng = np.random.default_rng(seed)
    panel = panel_of(with_exposure(children(seed, size, 0.05), wedge), wedge)
    events = rng.binomial(panel["n_children"], risk).astype(float)
    panel = panel.assign(n_events=events, value_sum=events)
    frame, least = publish_rates(panel, wedge, rules).frame, least_shown(rules)
    attack = Attack()
    spans, truth = [], {}
    for number, row in enumerate(frame.itertuples()):
        starts = panel["period_start"].between(row.span_start, row.span_end)
        inside = panel[starts & (panel["authority"] == row.authority)]
        happened, n = inside["n_events"].sum(), inside["n_children"].sum()
        spans.append(number)
        truth[number] = (happened, n - happened)
        attack.same([("yes", number), ("no", number)], [("n", number)])
        if pd.notna(row.n_children):
            attack.know([("n", number)], n)
        if pd.notna(row.n_events):
            attack.know([("yes", number)], happened)
    attack.know([("yes", number) for number in spans], panel["n_events"].sum())
    attack.know([("n", number) for number in spans], panel["n_children"].sum())
    for slug, rows in frame.reset_index(drop=True).groupby("authority"):
        attack.know(
            [("n", number) for number in rows.index],
            panel.loc[panel["authority"] == slug, "n_children"].sum(),
        )
    if frame["suppressed"].all():
        return  # nothing but totals is shown
    for number, (yes, no) in truth.items():
        for name, value in (("yes", yes), ("no", no)):
            if 0 < value < least:
                attack.assert_in_doubt([(name, number)], least)


@by_rule
@few
@given(st.lists(st.lists(st.integers(0, 30), min_size=5, max_size=5), min_size=1, max_size=4))
def test_a_kind_of_cell_does_not_follow_from_the_rows_of_a_sheet(rules, kinds):
    names = ["filled", "blank", "says_missing", "unmapped", "unborn"]
    log = pd.DataFrame(kinds, columns=names).assign(rows=[sum(part) for part in kinds], layer="dr2")
    frame, least = publish_reading(log, rules).frame, least_shown(rules)
    for number, true in enumerate(kinds):
        row, attack = frame.iloc[number], Attack()
        if pd.notna(row["rows"]):
            attack.know(names, sum(true))
        for name, value in zip(names, true, strict=True):
            attack.unknown(name, 0 if row[names].isna().all() else 1) if pd.isna(row[name]) else attack.know(
                [name], value
            )
        for name, value in zip(names, true, strict=True):
            if 0 < value < least:
                attack.assert_in_doubt([name], least)


def test_an_authority_alone_cannot_be_described_unless_it_is_said_what_is_hidden(wedge):
    raw = described(with_exposure(children(1, 300, 0.08), wedge), wedge)
    own = raw[raw["authority"] == "warrington"].reset_index(drop=True)
    with pytest.raises(DisclosureError, match="other authorities"):
        publish_descriptives(own, RULES[0])
    marked = with_hidden(raw, RULES[0])
    part = marked[marked["authority"] == "warrington"].reset_index(drop=True)
    together = publish_descriptives(raw, RULES[0]).frame
    expected = together[together["authority"] == "warrington"].reset_index(drop=True)
    pd.testing.assert_frame_equal(publish_descriptives(part, RULES[0]).frame, expected)
