"""The plan: which chapters there are, what each may read, and its parameters against the templates."""

from __future__ import annotations

import pytest
import yaml
from tiny_chapters import tiny_chapter, write_template

from sfpc_book.book.check_plan import check_plan
from sfpc_book.book.parameters import TemplateParameter, check_parameters, parameter_problems
from sfpc_book.book.plan import (
    COHORT_CHILD_TABLES,
    COHORT_TABLES,
    MODEL_CHAPTERS,
    RETURNS_TABLES,
    plan,
    shown_as,
    toc,
)
from sfpc_book.book.plan_table import contents_text
from sfpc_book.errors import ParameterError
from sfpc_book.study.study import load_study


@pytest.fixture(scope="module")
def study(repository):
    return load_study(repository / "study.yml")


@pytest.fixture(scope="module")
def chapters(study):
    return plan(study)


def by_slug(chapters):
    return {chapter.slug: chapter for chapter in chapters}


def test_every_adopter_and_every_model_has_its_chapters(study, chapters):
    slugs = [chapter.slug for chapter in chapters]
    assert len(slugs) == len(set(slugs))
    authorities = [slug for slug in slugs if slug.startswith("authority-")]
    assert len(authorities) == 17
    for model in study.models:
        assert [slug for slug in slugs if slug.startswith(f"{model}-")] == [
            f"{model}-{name}"
            for name in (
                "sample",
                "data_quality",
                "primary",
                "sensitivity",
                "secondary",
                "follow_up",
                "costs",
            )
        ]


def test_no_chapter_may_read_a_table_of_children(chapters):
    read = [path for chapter in chapters for path in chapter.inputs]
    assert not [path for path in read if path.endswith(COHORT_CHILD_TABLES)]
    assert not [path for path in read if "/dr" in path or path.startswith("returns/")]
    assert not [name for name in (*COHORT_TABLES, *RETURNS_TABLES) if name.startswith(("dr2", "dr3"))]


def test_an_authority_reads_its_own_rows_only(study, chapters):
    chapter = by_slug(chapters)["authority-walsall"]
    others = set(study.authorities) - {"walsall"}
    assert not [path for path in chapter.inputs if others & set(path.split("/"))]
    assert not [path for path in chapter.inputs if path.startswith("cohort/")]
    assert "cohort/family_safeguarding" in map(shown_as, chapter.inputs)


def test_a_pilot_has_published_statistics_but_no_returns(chapters):
    inputs = by_slug(chapters)["authority-darlington"].inputs
    assert any(path.startswith("published/") for path in inputs)
    assert not any(path.startswith(("returns/", "authorities/")) for path in inputs)


def test_a_models_chapters_read_no_other_models_cohort(study, chapters):
    for model in study.models:
        for chapter in chapters:
            if chapter.slug.startswith(f"{model}-"):
                used = {path.split("/")[1] for path in chapter.inputs if path.startswith("cohort/")}
                assert used == {model}


def test_the_plan_follows_the_study(study):
    model = study.models["no_wrong_door"].model_copy(update={"name": "Another Door"})
    renamed = study.model_copy(update={"models": {**study.models, "no_wrong_door": model}})
    assert by_slug(plan(renamed))["no_wrong_door-primary"].part == "Another Door"


def test_the_committed_contents_are_those_of_the_plan(repository, chapters):
    committed = (repository / "_toc.yml").read_text(encoding="utf-8")
    assert committed == contents_text(chapters), "run: sfpc-book plan --write-toc"
    assert yaml.safe_load(committed)["root"] == "index"


def test_contents_hold_every_page_once_under_its_part(chapters):
    contents = toc(chapters)
    listed = [entry["file"] for part in contents["parts"] for entry in part["chapters"]]
    assert [contents["root"], *listed] == [chapter.docname for chapter in chapters]
    captions = [part["caption"] for part in contents["parts"]]
    assert len(captions) == len(set(captions))


DECLARED = {
    "name": TemplateParameter("name", "str", '"a"', ""),
    "count": TemplateParameter("count", "int", "1", ""),
    "share": TemplateParameter("share", "float", "0.5", ""),
}


def test_fitting_parameters_have_no_problems_and_a_whole_number_is_a_float():
    assert parameter_problems({"name": "x", "count": 2, "share": 1}, DECLARED) == []


def test_unknown_missing_and_ill_typed_parameters_are_all_listed():
    problems = parameter_problems({"nam": "x", "count": "2", "share": True}, DECLARED)
    assert len(problems) == 4
    assert "unknown parameter 'nam'. Allowed: name, count, share" in problems[0]
    assert "'name' is not given" in problems[1]
    assert "'count' must be int, found str '2'" in problems[2]
    assert "'share' must be float, found bool True" in problems[3]


def test_a_parameter_without_a_type_is_refused():
    untyped = {"name": TemplateParameter("name", "None", "1", "")}
    assert "needs a type" in parameter_problems({"name": "x"}, untyped)[0]


def test_problems_of_all_chapters_come_in_one_error():
    chapters = [tiny_chapter("one", parameters=()), tiny_chapter("two", parameters=(("wrong", 1),))]
    with pytest.raises(ParameterError) as caught:
        check_parameters(chapters, {"notebooks/tiny.ipynb": {"name": DECLARED["name"]}})
    assert len(caught.value.problems) == 3
    assert {problem.split(":")[0] for problem in caught.value.problems} == {"one", "two"}


def test_templates_at_fault_are_named_with_what_they_need(tmp_path):
    write_template(tmp_path / "notebooks" / "tiny.ipynb", parameters=None)
    (tmp_path / "notebooks" / "broken.ipynb").write_text("no notebook", encoding="utf-8")
    chapters = [tiny_chapter("one"), tiny_chapter("two", template="notebooks/broken.ipynb")]
    with pytest.raises(ParameterError) as caught:
        check_plan(chapters, tmp_path, tmp_path / "build")
    assert "broken.ipynb is not a notebook" in caught.value.problems[0]
    assert "tiny.ipynb has no cell tagged 'parameters'" in caught.value.problems[1]


def test_a_missing_template_is_named_before_anything_runs(tmp_path):
    with pytest.raises(ParameterError, match=r"notebooks/tiny\.ipynb, for one"):
        check_plan([tiny_chapter("one")], tmp_path, tmp_path / "build")


def test_a_changed_template_is_checked_again(tmp_path):
    template = write_template(tmp_path / "notebooks" / "tiny.ipynb")
    check_plan([tiny_chapter("one")], tmp_path, tmp_path / "build")
    write_template(template, parameters='study_path: str = "study.yml"')
    with pytest.raises(ParameterError, match="unknown parameter 'local_authority'"):
        check_plan([tiny_chapter("one")], tmp_path, tmp_path / "build")


def test_every_chapter_fits_its_template(repository, chapters, tmp_path):
    check_plan(chapters, repository, tmp_path)


def test_the_front_page_names_the_chapters_of_each_model_in_their_order(repository):
    front = " ".join((repository / "notebooks" / "pages" / "index.md").read_text(encoding="utf-8").split())
    assert ", ".join(title.lower() for _, title, _ in MODEL_CHAPTERS) in front
