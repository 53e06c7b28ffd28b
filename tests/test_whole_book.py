"""The whole book, small: from workbooks to site, PDFs and estimates, by the command that the README names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest

from sfpc_book.book.plan import plan
from sfpc_book.study.study import load_study

pytestmark = pytest.mark.slow

HOME = ("study.yml", "_config.yml", "_toc.yml", "requirements.txt", "notebooks", "data_contracts")
SCALE = "0.03"
EXTERNAL = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"'](?:https?:)?//")


class Workshop:
    """A copy of what the evaluators edit, and its build folder."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.repository, self.home, self.build = repository, folder / "home", folder / "build"
        for name in HOME:
            copy = shutil.copytree if (repository / name).is_dir() else shutil.copyfile
            self.home.mkdir(exist_ok=True)
            copy(repository / name, self.home / name)
        fewer_replications(self.home / "study.yml")
        self.study = load_study(self.home / "study.yml")

    def make(self) -> subprocess.CompletedProcess[str]:
        """Build the book by the command line, in a process of its own."""
        options = ("--study", str(self.home / "study.yml"), "--build", str(self.build), "--scale", SCALE)
        command = [sys.executable, "-m", "sfpc_book", "build", *options]
        return subprocess.run(command, cwd=self.repository, capture_output=True, text=True, check=False)

    def steps_run(self) -> set[str]:
        facts = json.loads((self.build / "run.json").read_text(encoding="utf-8"))
        return {step["step"] for step in facts["steps"] if step["status"] == "done"}

    def page(self, docname: str) -> str:
        return (self.build / "site" / f"{docname}.html").read_text(encoding="utf-8")


def fewer_replications(study: Path) -> None:
    """A calibration and imputations of seconds: what they say is tested elsewhere."""
    text = study.read_text(encoding="utf-8")
    for pattern, short in (
        (r"replications: \{.*?\}", "replications: {linear: 50, refitted: 4, iterated: 2}"),
        (r"imputation: \{number: \d+", "imputation: {number: 3"),
    ):
        text, found = re.subn(pattern, short, text)
        assert found == 1
    study.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, repository) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("book"), repository)
    done = made.make()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return made


def test_every_planned_page_is_in_the_site_and_has_its_pdf(workshop):
    for chapter in plan(workshop.study):
        assert (workshop.build / "site" / f"{chapter.docname}.html").is_file()
        assert (workshop.build / "pdf" / f"{chapter.slug}.pdf").stat().st_size > 5_000
    assert (workshop.build / "pdf" / "book.pdf").is_file()


def test_every_page_of_synthetic_data_says_so_and_loads_nothing_from_elsewhere(workshop):
    for chapter in plan(workshop.study):
        text = workshop.page(chapter.docname)
        assert not EXTERNAL.search(text), chapter.slug
        if chapter.slug.startswith("authority-") or chapter.slug.endswith(("primary", "secondary", "costs")):
            assert "Synthetic data" in text, chapter.slug


def test_every_outcome_of_every_model_has_its_estimates_at_both_horizons(workshop):
    estimates = pd.read_csv(workshop.build / "results" / "estimates.csv")
    found = estimates.set_index(["model", "outcome", "horizon", "analysis"])
    for model in workshop.study.models.values():
        for outcome in model.outcomes:
            followed = outcome in {item.id for item in workshop.study.followed(model.id)}
            for horizon in workshop.study.horizons if followed else workshop.study.horizons[:1]:
                for analysis in ("panel_two_way", "randomisation"):
                    assert (model.id, outcome, horizon, analysis) in found.index
    assert set(estimates["data_status"]) == {"synthetic"}


def test_numbers_carry_what_they_rest_on_and_the_others_say_why_they_are_missing(workshop):
    estimates = pd.read_csv(workshop.build / "results" / "estimates.csv")
    trial = estimates[estimates["horizon"].notna()]
    with_number = trial["estimate"].notna()
    assert with_number.any()
    assert trial.loc[with_number, "status"].isin(["ok", "partly_observed"]).all()
    assert trial.loc[~with_number, "status"].str.match("not_").all()
    exact = trial[with_number & (trial["analysis"] == "randomisation")]
    assert (exact["p_value"] >= exact["p_minimum"]).all() and (exact["n_orders"] > 1).all()
    panel = trial[with_number & (trial["analysis"] == "panel_two_way")]
    assert (panel["df"] == panel["n_clusters"] - 1).all()
    waiting = trial[trial["status"] == "not_observed"]
    assert waiting["observable_from"].notna().all()


def test_planted_truth_stands_beside_the_estimates(workshop):
    estimates = pd.read_csv(workshop.build / "results" / "estimates.csv")
    primary = estimates[(estimates["outcome"] == "looked_after") & (estimates["analysis"] == "panel_two_way")]
    main = (primary["sample"] == "main") & (primary["exposure"] == "go_live") & (primary["term"] == "exposed")
    whole = primary[main & primary["model"].isin(workshop.study.models) & (primary["status"] == "ok")]
    assert set(whole["model"]) == set(workshop.study.models)
    assert whole["truth"].notna().all() and (whole["truth"] < 0).all()


def test_a_second_build_runs_nothing(workshop):
    assert workshop.make().returncode == 0
    assert workshop.steps_run() == set()


def test_one_changed_cell_reruns_its_authority_its_model_and_the_summaries_only(workshop):
    undo_one_care_entry(workshop.build, "family_safeguarding", "swindon")
    assert workshop.make().returncode == 0
    chapters = {name.removeprefix("chapter ") for name in workshop.steps_run() if name.startswith("chapter ")}
    assert {"authority-swindon", "family_safeguarding-primary", "programme-summary"} <= chapters
    programme = {"programme-summary", "programme-pooled", "authority-swindon"}
    assert all(slug.startswith("family_safeguarding-") for slug in chapters - programme)


def test_a_failing_chapter_becomes_a_page_and_the_rest_is_published(workshop):
    template = workshop.home / "notebooks" / "programme_design.ipynb"
    notebook = nbformat.read(template, as_version=4)
    notebook.cells[-1] = nbformat.v4.new_code_cell("page.no_such_chart()", id=notebook.cells[-1]["id"])
    nbformat.write(notebook, template)
    done = workshop.make()
    assert done.returncode == 9
    assert "programme-design" in done.stdout + done.stderr
    assert "no_such_chart" in workshop.page("chapters/programme-design")
    assert "Family Safeguarding" in workshop.page("chapters/family_safeguarding-primary")


def undo_one_care_entry(build: Path, model: str, slug: str) -> None:
    """Move the care start of one child who entered care in time far out, in the cell it was read from."""
    outcomes = pd.read_parquet(build / "cohort" / model / "outcomes.parquet")
    entered = outcomes[
        (outcomes["authority"] == slug)
        & (outcomes["outcome"] == "looked_after")
        & (outcomes["horizon"] == 18)
        & (outcomes["value"] == 1)
    ]
    children = pd.read_parquet(build / "cohort" / model / "children.parquet")
    named = children[children["child_key"].isin(entered["child_key"])][["child_id", "referral_date"]]
    care = pd.read_parquet(build / "returns" / slug / "dr3_care.parquet").merge(named, on="child_id")
    care = (
        care[care["care_start"] >= care["referral_date"]]
        .groupby("child_id")
        .filter(lambda rows: len(rows) == 1)
    )
    record = care.iloc[0]
    path = build / "synthetic" / "returns" / slug / record["source_file"]
    book = openpyxl.load_workbook(path)
    cells = book[record["source_sheet"]][int(record["source_row"])]
    cell = next(cell for cell in cells if cell.value == record["care_start"].to_pydatetime())
    cell.value += timedelta(days=1500)
    book.save(path)
