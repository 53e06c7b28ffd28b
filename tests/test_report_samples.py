"""Sizes of samples and definitions of exposure, and the allocation: no published number gives a small group
away."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_frames import (
    MODEL,
    allocation_frame,
    descriptives_frame,
    exposures_frame,
    flow_frame,
    samples_frame,
)

from sfpc_book.cohort.sizes import COUNTED, Members, sample_sizes
from sfpc_book.errors import DisclosureError
from sfpc_book.report.charts_allocation import allocation_diagram
from sfpc_book.report.charts_flow import FLAGGED, flow_diagram
from sfpc_book.report.disclosure import PublishedCounts
from sfpc_book.report.disclosure_baseline import publish_descriptives, with_hidden
from sfpc_book.report.disclosure_flow import publish_flow
from sfpc_book.report.disclosure_samples import publish_allocation, publish_exposures, publish_samples
from sfpc_book.report.tables_samples import exposures_table, sample_sizes_table
from sfpc_book.study.schema import Disclosure
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

RULES = Disclosure(threshold=10, rounding=5)
DESCRIBED = ["model", "authority", "exposed", "variable", "level", "n", "total"]
NAMES = ("main", "born_only", "risk_factors", "open_plan")


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


def design(study) -> SimpleNamespace:
    samples = {name: study.samples[name] for name in NAMES}
    return SimpleNamespace(
        study=study.model_copy(update={"samples": samples}), wedge=wedge_of(study, MODEL), left={}
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), left_out=st.lists(st.integers(0, 25), min_size=3, max_size=3))
def test_no_two_sizes_shown_are_of_groups_that_few_children_tell_apart(study, seed, left_out):
    generator = np.random.default_rng(seed)
    n = int(generator.integers(20, 60))
    exposed, linked = generator.integers(0, 2, n), (generator.random(n) < 0.8).astype(int)
    members = {}
    for name, without in zip(NAMES, [0, *left_out], strict=True):
        kept = np.sort(generator.permutation(n)[: max(n - without, 0)])
        keys = pd.Index([f"c{place}" for place in kept], dtype="str")
        members[name] = Members(keys, exposed[kept], linked[kept])
    frame = publish_samples(sample_sizes(design(study), members), RULES).frame.set_index("sample")
    for counted in COUNTED:
        groups = {name: set(members[name].groups()[counted]) for name in NAMES}
        seen = [name for name in NAMES if not np.isnan(frame.loc[name, f"n_{counted}"])]
        for one, other in combinations(seen, 2):
            apart = len(groups[one] ^ groups[other])
            assert apart == 0 or apart >= RULES.threshold, (counted, one, other)
        for name in seen:
            assert len(groups[name]) == 0 or len(groups[name]) >= RULES.threshold
    parts = frame[["n_children", "n_exposed", "n_unexposed"]]
    one_hidden = parts.isna().sum(axis=1) == 1
    # One alone is hidden only where another is zero.
    assert not (one_hidden & (parts.fillna(1) > 0).all(axis=1)).any()


def test_a_sample_near_the_main_one_is_hidden_and_an_equal_one_is_not(study):
    frame = samples_frame(study, MODEL)
    frame.loc[frame["sample"] == "born_only", ["distance_children", "distance_exposed"]] = [4.0, np.nan]
    table = sample_sizes_table(publish_samples(frame, RULES), study, "Samples")
    cells = table.cells.set_index("Sample")
    near = cells.loc["Main, but without unborn children"]
    assert near[["Children", "Exposed", "Not exposed"]].tolist() == ["[c]", "[c]", "570"]
    absent = cells.loc["Main, but with Leicester"].drop("Plan")
    assert set(absent) == {"[x]"}
    assert "Main, but with Leicester: not available (Leicester: no referral return)." in table.notes
    assert cells.loc["Main sample", "Children"] == "1,000"


def test_few_children_not_linked_are_not_given_by_subtraction(study):
    frame = samples_frame(study, MODEL)
    frame.loc[0, "n_linked"] = 993
    shown = publish_samples(frame, RULES).frame
    assert np.isnan(shown.loc[0, "n_linked"])
    assert shown.loc[1, "n_linked"] == 905


def test_a_definition_that_moves_few_children_one_way_hides_its_sides(study):
    frame = exposures_frame(study, MODEL)
    frame.loc[frame["exposure"] == "midpoint", ["n_gained", "n_lost"]] = [40, 3]
    frame.loc[frame["exposure"] == "days_28", ["n_gained", "n_lost"]] = [0, 4]
    table = exposures_table(publish_exposures(frame, RULES), study, "Exposures")
    cells = table.cells.set_index("Definition of exposure")
    columns = ["Exposed", "Not exposed", "Not known", "Other than in the main definition"]
    assert cells.loc[study.exposures["midpoint"].name, columns].iloc[0].tolist() == ["[c]", "[c]", "0", "45"]
    assert cells.loc[study.exposures["days_28"].name, columns].iloc[0].tolist() == ["[c]", "[c]", "0", "[c]"]
    assert cells.loc["Main definition", columns].iloc[0].tolist() == ["400", "600", "0", "0"]
    assert any("depend on the outcome" in note for note in table.notes)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_no_cell_is_the_only_one_hidden_of_its_authority_before_or_after_go_live(study, seed):
    cells = allocation_frame(study, MODEL, np.random.default_rng(seed))
    cells["n_children"] = np.random.default_rng(seed).integers(0, 30, len(cells))
    frame = publish_allocation(cells, baseline(study), RULES).frame.assign(
        true=cells["n_children"].to_numpy()
    )
    small = frame["true"].between(1, RULES.threshold - 1)
    assert frame.loc[small, "n_children"].isna().all()
    assert frame["n_children"].dropna().mod(5).eq(0).all()
    for _, arm in frame.groupby(["authority", "exposed"]):
        hidden = arm["n_children"].isna()
        if hidden.sum() == 1:
            assert (arm.loc[~hidden, "true"] == 0).all()


def described(study, model: str = MODEL) -> pd.DataFrame:
    """Descriptives of whether children are linked and had earlier care, for each authority and all."""
    rows = []
    for slug in (*wedge_of(study, model).authorities, "all"):
        for exposed in (0, 1):
            for variable, few in (("linked", 60), ("earlier_care", 440)):
                rows += [(slug, exposed, variable, "no", few), (slug, exposed, variable, "yes", 500 - few)]
    frame = pd.DataFrame(rows, columns=["authority", "exposed", "variable", "level", "n"])
    return with_hidden(frame.assign(model=model, total=500), RULES)


def baseline(study, model: str = MODEL) -> PublishedCounts:
    return publish_descriptives(described(study, model), RULES)


@pytest.mark.parametrize("model", ["family_safeguarding", "family_valued", "no_wrong_door"])
def test_the_allocation_names_every_sequence_period_and_total_in_its_table(study, model):
    cells = allocation_frame(study, model, np.random.default_rng(3))
    drawing = allocation_diagram(
        publish_allocation(cells, baseline(study, model), RULES), baseline(study, model), study, "Trial"
    )
    wedge = wedge_of(study, model)
    table = drawing.cells
    assert table["Sequence"].tolist() == [*(str(n) for n in range(1, len(wedge.authorities) + 1)), "[z]"]
    periods = [name for name in table if name.startswith("From ")]
    assert len(periods) == wedge.n_periods
    marked = table[periods].map(lambda text: text.endswith("(exposed)")).to_numpy()[:-1]
    design = wedge.design_table()["exposed"].to_numpy().reshape(marked.shape)
    assert (marked == design.astype(bool)).all()
    assert table.iloc[-1][["Before go-live", "Before go-live, linked"]].tolist() == ["500", "440"]
    texts = {row["text"] for rows in drawing.chart["datasets"].values() for row in rows if "text" in row}
    assert {"500", "440 linked"} <= texts
    assert {f"{n + 1}  {study.authorities[slug].name}" for n, slug in enumerate(wedge.authorities)} <= texts


def test_linked_children_of_all_are_shown_before_and_after_go_live_or_neither(study):
    # The table of samples shows them together: one side alone would give the other.
    frame = described(study)[DESCRIBED].set_index(["authority", "exposed", "variable", "level"])
    slugs = wedge_of(study, MODEL).authorities
    unlinked = {(slug, arm): 20 for slug in slugs for arm in (0, 1)} | {(slugs[0], 0): 5, (slugs[0], 1): 0}
    for (slug, arm), few in unlinked.items():
        frame.loc[[(slug, arm, "linked", "no"), (slug, arm, "linked", "yes")], "n"] = few, 500 - few
    for arm in (0, 1):
        few = sum(unlinked[slug, arm] for slug in slugs)
        frame.loc[[("all", arm, "linked", "no"), ("all", arm, "linked", "yes")], "n"] = (
            few,
            500 * len(slugs) - few,
        )
    hidden = with_hidden(frame.reset_index(), RULES).query("authority == 'all' and variable == 'linked'")
    assert hidden["hidden"].all()


def test_the_flow_says_how_many_had_earlier_care_only_as_far_as_the_baseline_does(study):
    flow = publish_flow(flow_frame(MODEL, "walsall", np.random.default_rng(1)), RULES)
    frame = described(study)[DESCRIBED]
    for hidden, said in ((False, "120"), (True, "[c]")):
        if hidden:
            few = (frame["variable"] == "earlier_care") & (frame["level"] == "yes") & (frame["exposed"] == 1)
            frame.loc[few, "n"] = 4
        drawing = flow_diagram(
            flow, "Walsall", "walsall", publish_descriptives(with_hidden(frame, RULES), RULES)
        )
        rows = drawing.cells.set_index("Box")["Number"]
        assert rows["Of them with an earlier, ended period of care"] == said
        boxes = [row["text"] for part in drawing.chart["datasets"].values() for row in part if "text" in row]
        assert f"{said} of them had earlier, ended care" in next(
            text for text in boxes if FLAGGED[:20] in text
        )
    assert "earlier" not in " ".join(flow_diagram(flow, "Walsall", "walsall").cells["Box"])


def test_each_exclusion_of_the_flow_is_a_box_and_no_two_boxes_touch(study):
    flow = publish_flow(flow_frame(MODEL, "walsall", np.random.default_rng(1)), RULES)
    drawing = flow_diagram(flow, "Walsall", "walsall", baseline(study))
    drawn = [rows for rows in drawing.chart["datasets"].values() if "middle" in rows[0]]
    boxes = pd.DataFrame(max(drawn, key=len))
    for _, column in boxes.groupby("x1"):
        ordered = column.sort_values("y1")
        assert (ordered["y1"].to_numpy()[1:] > ordered["y2"].to_numpy()[:-1]).all()
    text = " ".join(boxes["text"]).replace("\n", " ")
    assert all(box in text for box in flow.frame["box"])


def test_sizes_and_cells_are_refused_before_disclosure_control(study):
    with pytest.raises(DisclosureError, match="samples"):
        sample_sizes_table(samples_frame(study, MODEL), study, "Samples")  # type: ignore[arg-type]
    counts = publish_descriptives(descriptives_frame(MODEL, ("walsall",), np.random.default_rng(1)), RULES)
    with pytest.raises(DisclosureError, match="exposures"):
        exposures_table(counts, study, "Exposures")
    with pytest.raises(DisclosureError, match="allocation"):
        allocation_diagram(counts, counts, study, "Trial")
