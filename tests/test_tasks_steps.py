"""What is made from what: every input has a maker, slices hold one authority, data are made once."""

from __future__ import annotations

import pandas as pd
import pytest
from tiny_chapters import tiny_chapter

from sfpc_book.book import synthetic
from sfpc_book.book.build import selected
from sfpc_book.book.failure_page import Failure, failure_text, heading
from sfpc_book.book.places import DataSources, existing_folders
from sfpc_book.book.plan import COHORT_TABLES, RETURNS_TABLES, plan
from sfpc_book.book.slices import write_returns_slice, write_slices
from sfpc_book.book.step import ancestors, makers
from sfpc_book.book.steps import book_steps, chapter_step_name, chapter_steps, data_steps
from sfpc_book.book.synthetic import Making, Recipe, make_synthetic_published, scale_of
from sfpc_book.book.view import chapter_view
from sfpc_book.contracts.finding import Finding, read_findings, write_findings
from sfpc_book.errors import ParameterError
from sfpc_book.study.study import load_study


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


@pytest.fixture
def whole(study, repository, tmp_path):
    """(chapters, places, steps) of a whole build on a folder of empty workbooks."""
    returns = tmp_path / "returns"
    for slug in ("walsall", "swindon"):
        (returns / slug).mkdir(parents=True)
        (returns / slug / f"{slug}_dr1_nov20.xlsx").touch()
    sources = DataSources(returns=returns, published=tmp_path)
    places = existing_folders(study, repository / "study.yml", tmp_path / "build", sources)
    chapters = plan(study)
    steps = (
        *data_steps(study, places),
        *chapter_steps(chapters, places, {}),
        *book_steps(chapters, places, {}, {}),
    )
    return chapters, places, {step.name: step for step in steps}


def test_everything_in_the_build_folder_that_a_step_needs_is_made_by_another(whole):
    _, places, steps = whole
    made_by = makers(steps.values())
    for step in steps.values():
        own = [path for path in step.inputs if path.is_relative_to(places.build)]
        assert not [path for path in own if path not in made_by], step.name


def test_an_authority_that_left_is_read_for_its_trial_only_if_it_sent_workbooks(study, whole):
    _, places, steps = whole
    assert "read leicester" not in steps
    assert dict(steps["cohort no_wrong_door"].arguments)["left"] == ()
    (places.returns / "leicester_dr2_nov22.xlsx").touch()
    steps = {step.name: step for step in data_steps(study, places)}
    assert places.returns / "leicester_dr2_nov22.xlsx" in steps["read leicester"].inputs
    assert places.build / "returns" / "leicester" in steps["cohort no_wrong_door"].inputs
    for model in ("family_safeguarding", "family_valued"):
        assert dict(steps[f"cohort {model}"].arguments)["left"] == ()
    samples = {name: part for name, part in study.samples.items() if not part.with_left}
    without = data_steps(study.model_copy(update={"samples": samples}), places)
    assert "read leicester" not in {step.name for step in without}


def test_an_authority_is_read_from_its_own_workbooks(whole):
    _, places, steps = whole
    inputs = steps["read walsall"].inputs
    assert places.returns / "walsall" / "walsall_dr1_nov20.xlsx" in inputs
    assert not [path for path in inputs if "swindon" in path.name]
    assert not [path for path in steps["read norfolk"].inputs if path.suffix == ".xlsx"]


def test_a_models_chapters_need_no_other_model(whole):
    _, _, steps = whole
    needed = {step.name for step in ancestors(steps["chapter no_wrong_door-costs"], makers(steps.values()))}
    assert {"read norfolk", "cohort no_wrong_door", "chapter no_wrong_door-primary"} <= needed
    assert not [name for name in needed if "family" in name]


def test_sensitivities_are_estimated_from_the_cohort_of_their_own_model(whole):
    _, places, steps = whole
    step = steps["sensitivity family_valued"]
    assert step.outputs == (places.build / "estimates" / "family_valued" / "sensitivity.csv",)
    needed = {made.name for made in ancestors(step, makers(steps.values()))}
    assert "cohort family_valued" in needed and "cohort no_wrong_door" not in needed


def test_the_summary_needs_the_estimates_of_every_recording_chapter(whole):
    chapters, _, steps = whole
    needed = {step.name for step in ancestors(steps["chapter programme-summary"], makers(steps.values()))}
    assert {chapter_step_name(chapter.slug) for chapter in chapters if chapter.results} <= needed


def test_failed_chapters_give_no_estimates(study, whole):
    chapters, places, steps = whole
    slug = "family_valued-primary"
    failed = chapter_steps(chapters, places, {slug: Failure(slug, "", "ValueError")})
    after = {step.name: step for step in failed}
    assert places.build / "results" / f"{slug}.csv" in steps["estimates"].inputs
    assert places.build / "results" / f"{slug}.csv" not in after["estimates"].inputs
    assert after[chapter_step_name(slug)].inputs == ()


def test_chapters_are_selected_by_pattern(whole):
    chapters = whole[0]
    assert len(selected(chapters, [])) == len(chapters)
    assert {chapter.slug for chapter in selected(chapters, ["*-costs", "index"])} == {
        "index", "family_safeguarding-costs", "family_valued-costs", "no_wrong_door-costs",
    }  # fmt: skip


def test_slices_hold_the_rows_of_one_authority(tmp_path):
    folder = tmp_path / "cohort" / "m"
    folder.mkdir(parents=True)
    for name in COHORT_TABLES:
        frame = pd.DataFrame({"authority": ["a", "b", "all"], "n": [1, 2, 3]})
        frame.to_parquet(folder / name) if name.endswith(".parquet") else frame.to_csv(
            folder / name, index=False
        )
    stale = tmp_path / "authorities" / "a" / "cohort" / "m" / "old.csv"
    stale.parent.mkdir(parents=True)
    stale.touch()
    write_slices(tmp_path, "m", ["a", "b"])
    assert pd.read_csv(stale.parent / "flow.csv")["authority"].tolist() == ["a"]
    assert pd.read_parquet(stale.parent / "panel.parquet")["n"].tolist() == [1]
    assert sorted(path.name for path in stale.parent.iterdir()) == sorted(COHORT_TABLES)


def test_findings_across_authorities_join_an_authoritys_own(tmp_path):
    folder = tmp_path / "returns" / "a"
    folder.mkdir(parents=True)
    own = Finding("own", "x", "pass", "note", 1.0, 2.0, "cells", "own")
    across = Finding("across", "x", "fail", "note", 3.0, 2.0, "cells", "across")
    write_findings([own], folder / "findings.csv")
    for name in RETURNS_TABLES[1:]:
        (folder / name).write_text("x", encoding="utf-8")
    write_returns_slice(tmp_path, "a", [across])
    found = read_findings(tmp_path / "authorities" / "a" / "returns" / "a" / "findings.csv")
    assert found["check"].tolist() == ["own", "across"]
    assert found["measured"].tolist() == [1.0, 3.0]


def test_a_chapter_sees_its_slice_where_the_whole_would_stand(tmp_path):
    slice_of = tmp_path / "build" / "authorities" / "a" / "cohort" / "m"
    slice_of.mkdir(parents=True)
    (slice_of / "flow.csv").write_text("mine", encoding="utf-8")
    (tmp_path / "study.yml").touch()
    chapter = tiny_chapter(inputs=("authorities/a/cohort/m",))
    with chapter_view(chapter, build=tmp_path / "build", study_path=tmp_path / "study.yml") as folder:
        assert (folder / "build" / "cohort" / "m" / "flow.csv").read_text(encoding="utf-8") == "mine"
        assert not (folder / "build" / "authorities").exists()
    assert not folder.exists()


def making(repository, seed=1):
    return Making(repository / "study.yml", Recipe(seed=seed))


def test_synthetic_data_are_made_once_and_again_for_another_seed(repository, tmp_path, monkeypatch):
    made = []

    def note(folder, making):
        made.append(making.recipe.seed)
        folder.mkdir(exist_ok=True)
        (folder / "file").write_text("made", encoding="utf-8")

    monkeypatch.setattr(synthetic, "_published", note)
    folder = tmp_path / "published"
    assert make_synthetic_published(folder, making(repository))
    (folder / "file").write_text("edited by hand", encoding="utf-8")
    assert not make_synthetic_published(folder, making(repository))
    assert (folder / "file").read_text(encoding="utf-8") == "edited by hand"
    assert make_synthetic_published(folder, making(repository, seed=2))
    assert made == [1, 2]


@pytest.mark.parametrize(("text", "scale"), [("small", 0.1), ("protocol", 1.0), ("0.05", 0.05)])
def test_scales_have_names_or_are_numbers(text, scale):
    assert scale_of(text) == scale


@pytest.mark.parametrize("text", ["tiny", "0", "-1", "nan", "11"])
def test_other_scales_are_refused_with_those_allowed(text):
    with pytest.raises(ParameterError, match="small, protocol"):
        scale_of(text)


def test_a_failure_page_names_the_cause_as_plain_text():
    chapter = tiny_chapter(part="Family Valued", parameters=(("intervention_model", "family_valued"),))
    text = failure_text(chapter, Failure("tiny", "cell 3: `x`", "KeyError: <b>no_such</b> [link](x)"))
    assert text.startswith("# Family Valued: tiny\n")
    assert "`cell 3: 'x'`" in text
    assert r"KeyError: \<b\>no\_such\</b\> \[link\](x)" in text


def test_titles_of_failure_pages_tell_models_apart(whole):
    titles = [heading(chapter) for chapter in whole[0]]
    assert len(titles) == len(set(titles))
