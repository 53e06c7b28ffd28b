"""The command line: errors say what to do and end with their code; nothing of the user's is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from threading import Thread

import pandas as pd
import pytest
from return_workbooks import referrals, sheet, sheet_name, write_workbook
from tiny_chapters import write_template

from sfpc_book.book.clean import clean_build
from sfpc_book.book.data_status import status_of_folder
from sfpc_book.book.keys import DRAFTS, files_below
from sfpc_book.book.serve import site_server
from sfpc_book.cli import main
from sfpc_book.errors import SfpcBookError


@pytest.fixture
def cli(tmp_path, monkeypatch, capfd):
    """Run the command line in an empty folder: (exit code, what it said)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["sfpc-book", *arguments])
        try:
            main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code or 0
        said = capfd.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def home(repository, tmp_path):
    """A folder with the study, contracts and text pages of the project, ready for templates."""
    shutil.copy(repository / "study.yml", tmp_path)
    shutil.copytree(repository / "data_contracts", tmp_path / "data_contracts")
    shutil.copytree(repository / "notebooks", tmp_path / "notebooks")
    return tmp_path


def test_the_package_can_be_run_without_installing_it(repository):
    done = subprocess.run(
        [sys.executable, "-m", "sfpc_book", "build", "--study", "nowhere.yml"],
        cwd=repository, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 3 and "nowhere.yml" in done.stderr and "Traceback" not in done.stderr


def test_help_names_every_command_and_an_example(cli):
    code, said = cli("--help")
    assert code == 0
    for command in ("simulate", "check", "plan", "build", "why", "serve", "clean"):
        assert command in said
    assert "sfpc-book build" in said and "Exit codes" in said


@pytest.mark.parametrize("command", ["build", "check", "plan", "why", "simulate"])
def test_help_of_a_command_says_what_its_options_mean(cli, command):
    code, said = cli(command, "--help")
    assert code == 0 and "--study" in said and "--build" in said


def test_help_imports_no_heavy_library(repository):
    heavy = "{'pandas', 'pytask', 'papermill'}"
    code = f"import sys, sfpc_book.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_without_a_study_file_it_says_how_to_name_one(cli):
    code, said = cli("build")
    assert code == 3
    assert "There is no study file" in said and "--study" in said and "Traceback" not in said


def test_an_unknown_key_of_the_study_is_named_with_its_line(cli, home):
    study = home / "study.yml"
    study.write_text("titel: x\n" + study.read_text(encoding="utf-8"), encoding="utf-8")
    code, said = cli("plan")
    assert code == 3
    assert "study.yml, line 1" in said and "titel" in said and "Traceback" not in said


@pytest.mark.parametrize(("option", "code"), [("--returns", 4), ("--published", 8)])
def test_a_missing_or_empty_data_folder_is_named(cli, home, fitting_templates, option, code):
    found, said = cli("build", option, "nowhere")
    assert found == code and "nowhere" in said and option in said and "Traceback" not in said
    (home / "empty").mkdir()
    found, said = cli("build", option, "empty")
    assert found == code and "empty" in said and "Traceback" not in said
    assert not (home / "build" / "chapters").exists()


@pytest.fixture
def fitting_templates(home):
    """Templates that fit the plan, so that a test gets past it."""
    paths = '\nstudy_path: str = "s"  # study\nbuild_path: str = "b"  # build'
    names = {"authority": 'local_authority: str = "walsall"', "programme_summary": "", "programme_design": ""}
    names |= {"matched_comparison": "", "programme_pooled": "", "programme_calibration": ""}
    for name in ("sample", "primary", "secondary", "follow_up", "costs"):
        names[f"model_{name}"] = 'intervention_model: str = "family_valued"'
    for name, first in names.items():
        write_template(home / "notebooks" / f"{name}.ipynb", parameters=(first + paths).strip())


def test_a_template_without_a_parameters_cell_is_named_and_nothing_is_made(cli, home, fitting_templates):
    write_template(home / "notebooks" / "model_costs.ipynb", parameters=None)
    code, said = cli("build")
    assert code == 6
    assert "model_costs.ipynb has no cell tagged 'parameters'" in said and "Traceback" not in said
    assert not (home / "build").exists()


def test_an_unknown_parameter_is_named_with_those_allowed(cli, home, fitting_templates):
    write_template(home / "notebooks" / "authority.ipynb", parameters='authority: str = "walsall"  # slug')
    code, said = cli("plan")
    assert code == 6
    assert "authority-walsall: unknown parameter 'local_authority'. Allowed: authority" in said


def test_an_unknown_chapter_is_answered_with_the_known_ones(cli, home, fitting_templates):
    code, said = cli("build", "--only", "authority-walsal")
    assert code == 6 and "authority-walsal" in said and "authority-walsall" in said


def test_kernels_of_an_unknown_kind_are_refused(cli, home):
    code, said = cli("build", "--kernels", "quick")
    assert code == 6 and "forked, plain" in said


def test_wrong_usage_is_told_from_an_error(cli):
    assert cli("build", "--colour", "red")[0] == 2


def test_the_plan_lists_pages_and_writes_the_contents(cli, home, fitting_templates):
    code, said = cli("plan", "--write-toc")
    assert code == 0
    assert "authority-redcar_and_cleveland" in said and "every parameter fits its template" in said
    assert (home / "_toc.yml").is_file()


def test_serving_needs_a_site(cli):
    code, said = cli("serve")
    assert code == 9 and "build the book first" in said


def test_the_site_is_served_on_the_loopback_address_only(tmp_path):
    (tmp_path / "index.html").write_text("here", encoding="utf-8")
    with site_server(tmp_path, 0) as server:
        assert server.server_address[0] == "127.0.0.1"
        Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/") as page:
            assert page.read() == b"here"
        server.shutdown()


def built(folder):
    for name in (".tasks", "chapters", "synthetic", "site"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch()
    return folder


def test_cleaning_removes_what_builds_made_and_keeps_the_rest(tmp_path):
    build = built(tmp_path / "build")
    (build / "notes.txt").touch()
    assert clean_build(build, everything=False) == ["chapters", ".tasks"]
    assert sorted(path.name for path in build.iterdir()) == ["notes.txt", "site", "synthetic"]
    assert clean_build(build, everything=True) == ["synthetic", "site"]
    assert [path.name for path in build.iterdir()] == ["notes.txt"]


def test_a_folder_that_no_build_made_is_not_cleaned(tmp_path, cli):
    (tmp_path / "returns").mkdir()
    code, said = cli("clean", "--build", str(tmp_path))
    assert code == 6 and "nothing was removed" in said
    assert (tmp_path / "returns").is_dir()


@pytest.mark.parametrize(
    ("manifest", "status"),
    [(None, "returns"), ({"synthetic": True}, "synthetic"), ({"synthetic": False}, "returns")],
)
def test_a_folder_is_synthetic_only_if_its_manifest_says_so(tmp_path, manifest, status):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert status_of_folder(tmp_path, real="returns") == status


@pytest.mark.parametrize("text", ["{}", "[]", '{"synthetic": "yes"}', "no json"])
def test_a_manifest_that_does_not_say_is_an_error(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(SfpcBookError, match="does not say whether"):
        status_of_folder(tmp_path, real="returns")


def test_a_workbook_that_is_none_is_named_and_ends_with_the_code_of_returns(cli, home, repository):
    folder = home / "sent"
    folder.mkdir()
    (folder / "swindon_dr2_nov22.xlsx").write_text("not a workbook", encoding="utf-8")
    code, said = cli("check", "--returns", str(folder), "--only", "swindon")
    assert code == 4
    assert "swindon_dr2_nov22.xlsx cannot be read: not a workbook" in " ".join(said.split())
    assert "stay out of the estimates" in said
    assert "workbooks for the authorities" in said
    assert [path.name for path in (home / "build" / "findings").iterdir()] == ["swindon_findings.xlsx"]


def test_suggestions_are_printed_and_written_beside_the_findings_and_nowhere_else(cli, home):
    folder = home / "sent"
    wrong = {"disability": "Disbaled status"}
    rows = sheet("dr2_referrals", referrals(3), names=wrong)
    write_workbook(folder / "swindon_dr2_nov22.xlsx", {sheet_name("dr2_referrals"): rows})
    contracts = {path: path.read_bytes() for path in (home / "data_contracts").rglob("*") if path.is_file()}
    code, said = cli("check", "--returns", str(folder), "--only", "swindon", "--suggest")
    path = home / "build" / "returns" / "swindon" / DRAFTS
    text = path.read_text(encoding="utf-8")
    assert code == 4 and "header: Disbaled status" in text and "TO FILL" in text
    assert all(line in said for line in text.splitlines())
    assert contracts == {
        file: file.read_bytes() for file in (home / "data_contracts").rglob("*") if file.is_file()
    }
    assert sorted(file.name for file in folder.iterdir()) == ["swindon_dr2_nov22.xlsx"]
    assert path not in files_below(path.parent)
    table = pd.read_parquet(path.parent / "dr2_referrals.parquet")
    assert table["disability"].isna().all() and table["corrections"].isna().all()


def test_defects_that_are_not_known_are_refused_with_those_that_are(cli, home):
    code, said = cli("simulate", "--study", str(home / "study.yml"), "--defects", "mixed_case, gremlins")
    assert code == 6 and "Unknown defects: gremlins" in said and "mixed_case" in said


def test_a_sample_that_no_code_defines_is_told_before_anything_is_read(cli, home):
    path = home / "study.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("  born_only: {", "  bron_only: {"), encoding="utf-8"
    )
    code, said = cli("plan", "--study", str(path))
    assert code == 3 and "sample 'bron_only'" in said and "born_only" in said


def test_a_share_of_defects_must_be_a_share(cli, home):
    code, said = cli("simulate", "--study", str(home / "study.yml"), "--defect-rate", "3")
    assert code == 6 and "rate is 3.0; it must be from 0 to 1" in said
