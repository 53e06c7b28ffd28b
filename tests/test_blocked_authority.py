"""What a finding means for the estimates: who is blocked leaves them, visibly; who is marked stays, visibly.

One model is read, checked, compared, estimated and told of, with the steps that a build runs.
"""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from report_frames import panel_frame

from sfpc_book.book import work
from sfpc_book.book.plan import authority_slice
from sfpc_book.book.slices import write_returns_slice
from sfpc_book.book.step import Places
from sfpc_book.cohort.store import blocked_authorities, marked_authorities
from sfpc_book.contracts.check_words import load_check_words
from sfpc_book.contracts.finding import Finding, read_findings
from sfpc_book.estimate.wedge_estimates import estimate_outcomes
from sfpc_book.report.page import open_page
from sfpc_book.report.sentences_fitness import fewer_sentences, fitness_sentences
from sfpc_book.simulate.published import simulate_published
from sfpc_book.simulate.simulate import simulate_returns
from sfpc_book.study.study import load_study
from sfpc_book.study.wedge import wedge_of

MODEL, BLOCKED = "no_wrong_door", "norfolk"
OTHERS = ("rochdale", "warrington", "redcar_and_cleveland")
STUDY, WORDS = load_study(), load_check_words()
TRIAL = STUDY.models[MODEL].trial_authorities


@pytest.fixture(scope="module")
def places(tmp_path_factory, repository) -> Places:
    """A build of one model up to its cohort; one authority's outcome return is missing, the rest is clean."""
    folder = tmp_path_factory.mktemp("blocked")
    one_model = STUDY.model_copy(update={"models": {MODEL: STUDY.models[MODEL]}})
    returns = simulate_returns(one_model, folder / "returns", scale=0.05, defects=False)
    next((returns / BLOCKED).glob("*_dr3_*.xlsx")).unlink()
    made = Places(repository / "study.yml", folder / "build", returns, folder / "published")
    simulate_published(STUDY, made.published)
    work.write_data_status(made)
    for slug in TRIAL:
        work.read_returns(made, authority=slug, listing="")
    work.compare_returns(made, authorities=TRIAL)
    work.build_model_cohort(made, model=MODEL)
    return made


@pytest.fixture(scope="module")
def page(places):
    return open_page(f"{MODEL}-primary", str(places.study_path), str(places.build))


def findings_of(places: Places, slug: str) -> pd.DataFrame:
    return read_findings(places.build / authority_slice(slug, f"returns/{slug}") / "findings.csv")


@pytest.mark.parametrize("slug", OTHERS)
def test_clean_returns_fail_no_check(places, slug):
    findings = findings_of(places, slug)
    assert findings.loc[findings["status"] == "fail", ["check", "text"]].values.tolist() == []
    made = {"key", "cardinality", "identifier_link", "care_outside_coverage", "months_outside_return",
            "out_of_line_with_history"}  # fmt: skip
    assert made <= set(findings.loc[findings["status"] == "pass", "check"])


def test_what_cannot_be_compared_says_why(places):
    findings = findings_of(places, "rochdale").query("status == 'not_applicable'").set_index("check")
    assert "made apart" in findings.loc["out_of_line_with_published", "text"]
    assert "whatever the number of children" in findings.loc["totals_disagree", "text"]


def test_a_blocked_authority_leaves_its_models_estimates_and_orders(places, page):
    wedge, outcome = page.wedge(MODEL), STUDY.primary(MODEL)
    estimates = estimate_outcomes(page.panel(MODEL), wedge, [outcome], STUDY.horizons[:1])
    assert set(estimates["n_clusters"]) == {len(OTHERS)}
    exact = estimates[estimates["analysis"] == "randomisation"].iloc[0]
    assert (wedge.n_orders, exact["n_orders"]) == (4, 2)


def test_a_blocked_authority_is_named_with_its_cause_and_what_remains(page):
    asked = {"outcomes": [STUDY.primary(MODEL)], "horizons": STUDY.horizons[:1]}
    text = fitness_sentences(
        STUDY, MODEL, page.excluded(MODEL), page.marked(MODEL), WORDS, panel=page.main_panel(MODEL), **asked
    )
    assert "**Norfolk** is left out of every estimate: no outcome return was sent." in text
    assert "rest on 3 of 4 authorities, exact tests on 2 orders of go-lives instead of 4." in text
    assert "No check marked the returns" in text


def test_a_finding_of_any_step_blocks_or_marks(places, tmp_path):
    shutil.copytree(places.build / "returns", tmp_path / "returns")
    files = {}
    for slug, severity in (("rochdale", "block"), ("warrington", "mark"), ("redcar_and_cleveland", "note")):
        across = Finding("across", slug, "fail", severity, 1.0, 0.0, "cells", f"{severity} across")
        write_returns_slice(tmp_path, slug, [across])
        files[slug] = tmp_path / authority_slice(slug, f"returns/{slug}") / "findings.csv"
    assert blocked_authorities(files) == {"rochdale": "block across"}
    assert marked_authorities(files).values.tolist() == [["warrington", "across", 1]]


def test_marked_authorities_are_named_with_the_checks_that_marked_them():
    marked = pd.DataFrame([("walsall", "key; missing", 3)], columns=["authority", "checks", "n_findings"])
    text = fitness_of("family_safeguarding", whole_panel(), marked)
    assert "**Walsall**: 3 findings (Records that are not told apart; Missing values)" in text


NONE_MARKED = pd.DataFrame(columns=["authority", "checks", "n_findings"])


def whole_panel() -> pd.DataFrame:
    return panel_frame(STUDY, "family_safeguarding", np.random.default_rng(1))


def fitness_of(model: str, panel: pd.DataFrame, marked: pd.DataFrame = NONE_MARKED) -> str:
    outcomes = [STUDY.outcomes[name] for name in STUDY.models[model].outcomes]
    asked = {"panel": panel, "outcomes": outcomes, "horizons": STUDY.horizons}
    return fitness_sentences(STUDY, model, pd.DataFrame(), marked, WORDS, **asked)


def test_an_outcome_that_rests_on_fewer_authorities_names_them_with_the_cause():
    panel = whole_panel()
    quiet = fitness_of("family_safeguarding", panel)
    assert "No check left an authority of the trial out of every estimate." in quiet
    assert "rests on" not in quiet
    gone = (panel["authority"] == "lancashire") & (panel["outcome"] == "days_on_plan")
    panel.loc[gone, ["n_children", "n_not_observed"]] = 0
    text = fitness_of("family_safeguarding", panel)
    name = STUDY.outcomes["days_on_plan"].name
    assert f"“{name}” (18 months and 36 months) rests on 4 of 5 authorities." in text
    assert "Exact tests still go over the 12 orders of go-lives of the whole trial." in text
    assert "**Lancashire** is missing: of its children, none is linked to the data of this outcome." in text
    assert text.count("rests on") == 1


def test_an_outcome_of_which_no_authority_has_a_child_counted_is_not_listed_as_an_estimate():
    panel = whole_panel()
    panel.loc[panel["outcome"] == "plan_duration", "n_children"] = 0
    assert "rests on" not in fitness_of("family_safeguarding", panel)


def test_the_orders_said_are_those_of_the_estimator_where_an_authority_has_rows_without_children_or_no_rows():
    """An authority of which no child is counted is exchanged like the others; one without rows is not."""
    panel, outcome = whole_panel(), STUDY.outcomes["days_on_plan"]
    mine = panel["outcome"] == outcome.id
    panel.loc[mine & (panel["authority"] == "lancashire"), ["n_children", "n_not_observed"]] = 0
    wedge = wedge_of(STUDY, "family_safeguarding")
    blocked = next(slug for slug in wedge.authorities if slug != "lancashire")
    for rows in (panel, panel[panel["authority"] != blocked]):
        found = estimate_outcomes(rows, wedge, [outcome], STUDY.horizons[:1])
        orders = int(found.loc[found["analysis"] == "randomisation", "n_orders"].iloc[0])
        kept = wedge.among(rows["authority"].unique())
        assert orders == kept.n_orders
        said = fewer_sentences(STUDY, "family_safeguarding", rows, [outcome], STUDY.horizons[:1])
        whole = len(rows) == len(panel)
        assert (orders == wedge.n_orders == 12) == whole
        few = f"go over {orders} orders of go-lives instead of 12"
        assert ("still go over the 12 orders" if whole else few) in said
