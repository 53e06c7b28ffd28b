"""Running one chapter: equal runs give equal bytes, forked kernels equal plain ones, failures say why."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from tiny_chapters import RECORD, tiny_chapter, tiny_home

from sfpc_book.book.kernel import forking_works, kernel_folder, warm_kernels
from sfpc_book.book.normalise import normalise, notebook_bytes
from sfpc_book.book.run import run_chapter, template_parameters
from sfpc_book.book.scrub import ChapterError, cause_of
from sfpc_book.errors import BookBuildError

needs_fork = pytest.mark.skipif(not forking_works(), reason="this system cannot fork; plain kernels are used")

STACK = (
    "import pandas as pd\nimport numpy as np\nprint(local_authority)",
    "pd.DataFrame({letter: [1.5] for letter in 'abcdefghijklmnopqrstuvwxyz'})",
    "import os, sys\nprint(sorted(os.listdir('.')), sys.argv[0] != '', __name__, hash('a'))",
    "names = ('OMP_NUM_THREADS', 'PYTHONHASHSEED', 'PYTHONDONTWRITEBYTECODE')",
    "print({name: os.environ.get(name) for name in names})",
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """Warm kernels where the system can fork, plain ones elsewhere."""
    if not forking_works():
        with kernel_folder():
            yield None
        return
    with warm_kernels(lambda: ["pandas", "numpy"]) as warm:
        warm.start()
        yield warm


def outputs_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def printed(path):
    return "".join(output.get("text", "") for output in outputs_of(path))


@needs_fork
def test_a_forked_kernel_says_what_a_plain_one_says(tmp_path, kernels):
    study_path, build = tiny_home(tmp_path, *STACK)
    forked = run_chapter(tiny_chapter(), build=build, study_path=study_path).notebook.read_bytes()
    assert kernels.process.poll() is None, kernels.last_words
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SFPC_BOOK_KERNEL_ZYGOTE")
        plain = run_chapter(tiny_chapter(), build=build, study_path=study_path).notebook.read_bytes()
    assert b"'OMP_NUM_THREADS': '1', 'PYTHONHASHSEED': '0', 'PYTHONDONTWRITEBYTECODE': None" in plain
    assert forked == plain


def test_two_equal_runs_give_equal_bytes(tmp_path, kernels):
    study_path, build = tiny_home(tmp_path, *STACK)
    runs = [run_chapter(tiny_chapter(), build=build, study_path=study_path) for _ in range(2)]
    first = runs[0].notebook.read_bytes()
    (build / "chapters" / "tiny.ipynb").unlink()
    assert run_chapter(tiny_chapter(), build=build, study_path=study_path).notebook.read_bytes() == first


def test_the_injected_cell_is_hidden_and_the_machine_leaves_no_trace(tmp_path, kernels):
    study_path, build = tiny_home(tmp_path, "1 + 1")
    notebook = json.loads(
        run_chapter(tiny_chapter(), build=build, study_path=study_path).notebook.read_text()
    )
    injected = [
        cell for cell in notebook["cells"] if "injected-parameters" in cell["metadata"].get("tags", [])
    ]
    assert len(injected) == 1 and "remove-cell" in injected[0]["metadata"]["tags"]
    assert "papermill" not in json.dumps(notebook)
    assert str(tmp_path) not in json.dumps(notebook)


def test_only_declared_inputs_are_visible(tmp_path, kernels):
    study_path, build = tiny_home(
        tmp_path, "import os\nprint(sorted(os.listdir(build_path)), open('build/cohort/a/flow.csv').read())"
    )
    for path, text in {
        "cohort/a/children.parquet": "ids",
        "authorities/tiny/cohort/a/flow.csv": "mine",
    }.items():
        (build / path).parent.mkdir(parents=True, exist_ok=True)
        (build / path).write_text(text, encoding="utf-8")
    chapter = tiny_chapter(inputs=("authorities/tiny/cohort/a/flow.csv",))
    assert printed(run_chapter(chapter, build=build, study_path=study_path).notebook) == "['cohort'] mine\n"


def test_a_missing_input_is_named_before_a_kernel_starts(tmp_path):
    study_path, build = tiny_home(tmp_path, "1")
    with pytest.raises(BookBuildError, match=r"build/cohort/a/flow\.csv"):
        run_chapter(tiny_chapter(inputs=("cohort/a/flow.csv",)), build=build, study_path=study_path)


def test_recorded_estimates_become_the_chapters_results(tmp_path, kernels):
    study_path, build = tiny_home(tmp_path, RECORD)
    run = run_chapter(tiny_chapter(results=True), build=build, study_path=study_path)
    assert run.results == build / "results" / "tiny.csv"
    assert run.results.read_text(encoding="utf-8") == "a,b\n1,2\n"


@pytest.mark.parametrize(("cell", "results"), [("1", True), (RECORD, False)])
def test_recording_otherwise_than_planned_is_an_error(tmp_path, kernels, cell, results):
    study_path, build = tiny_home(tmp_path, cell)
    with pytest.raises(ChapterError, match="tables of estimates"):
        run_chapter(tiny_chapter(results=results), build=build, study_path=study_path)
    assert not (build / "chapters").exists()


def test_a_failing_cell_is_named_and_no_value_is_repeated(tmp_path, kernels):
    cell = "# look up\nrecord = {}\nrecord['child 4711 born 2009-05-01']"
    study_path, build = tiny_home(tmp_path, "1", cell)
    with pytest.raises(ChapterError) as caught:
        run_chapter(tiny_chapter(), build=build, study_path=study_path)
    assert caught.value.cause == "KeyError: '…'"
    assert caught.value.cell.startswith("cell 5: record = {}")
    assert "4711" not in caught.value.text()
    assert not (build / "chapters").exists()


def test_a_kernel_that_dies_is_an_error_of_its_chapter(tmp_path, kernels):
    study_path, build = tiny_home(tmp_path, "import os\nos._exit(3)")
    with pytest.raises(ChapterError, match="kernel died"):
        run_chapter(tiny_chapter(), build=build, study_path=study_path)


@needs_fork
def test_forked_kernels_draw_different_random_numbers(tmp_path, kernels):
    study_path, build = tiny_home(
        tmp_path, "import random, numpy\nprint(random.random(), numpy.random.rand())"
    )
    first, second = (
        printed(run_chapter(tiny_chapter(), build=build, study_path=study_path).notebook).split()
        for _ in range(2)
    )
    assert first[0] != second[0] and first[1] != second[1]


@needs_fork
def test_without_the_warm_process_plain_kernels_serve(tmp_path):
    study_path, build = tiny_home(tmp_path, "print(local_authority)")
    with warm_kernels(list) as warm:
        warm.start()
        warm.process.kill()
        warm.process.wait()
        run = run_chapter(tiny_chapter(), build=build, study_path=study_path)
        assert warm.last_words
    assert printed(run.notebook) == "tiny\n"


@needs_fork
def test_kernels_end_with_the_warm_process(tmp_path):
    from sfpc_book.book.kernel_provisioner import connect_to_zygote

    with warm_kernels(list) as warm:
        warm.start()
        connection = connect_to_zygote()
        request = {
            "arguments": ["-f", str(tmp_path / "connection.json")],
            "env": dict(os.environ),
            "cwd": "/",
        }
        connection.sendall((json.dumps(request) + "\n").encode())
        process = int(connection.recv(64))
        os.kill(process, 0)
    assert ended(process)


@needs_fork
def test_a_kernel_ends_when_its_client_hangs_up(kernels, tmp_path):
    from sfpc_book.book.kernel_provisioner import connect_to_zygote

    connection = connect_to_zygote()
    request = {"arguments": ["-f", str(tmp_path / "connection.json")], "env": dict(os.environ), "cwd": "/"}
    connection.sendall((json.dumps(request) + "\n").encode())
    process = int(connection.recv(64))
    connection.close()
    assert ended(process)


def ended(process: int) -> bool:
    for _ in range(200):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.kill(process, signal.SIGKILL)
    return False


def test_parameters_are_read_with_type_default_and_help(tmp_path):
    study_path, _ = tiny_home(tmp_path)
    found = template_parameters(study_path.parent / "notebooks" / "tiny.ipynb")
    assert list(found) == ["local_authority", "study_path", "build_path"]
    assert found["local_authority"].type_name == "str"
    assert found["local_authority"].help == "slug in study.yml"


def test_normalising_merges_streams_and_takes_volatile_metadata_away():
    def stream(text, name="stdout"):
        return {"output_type": "stream", "name": name, "text": text}

    cell = {
        "cell_type": "code",
        "id": "random",
        "source": "x",
        "execution_count": 1,
        "metadata": {"papermill": {"duration": 1}, "execution": {}, "tags": ["injected-parameters"]},
        "outputs": [stream("a"), stream(["b", "c"]), stream("d", "stderr"), stream("e")],
    }
    metadata = {"papermill": {"start": "now"}, "language_info": {"name": "python", "version": "3.11.7"}}
    clean = normalise({"cells": [cell], "metadata": metadata})
    assert [output["text"] for output in clean["cells"][0]["outputs"]] == ["abc", "d", "e"]
    assert clean["cells"][0]["metadata"] == {"tags": ["injected-parameters", "remove-cell"]}
    assert clean["metadata"] == {"language_info": {"name": "python"}}
    assert cell["id"] == "random"
    assert notebook_bytes(clean) == notebook_bytes(json.loads(notebook_bytes(clean)))


@pytest.mark.parametrize(
    ("name", "message", "cause"),
    [
        (
            "ValueError",
            "could not convert 'swi0042' at row 17, 2010-02-03",
            "ValueError: could not convert '…' at row # #",
        ),
        (
            "FileNotFoundError",
            "No such file: '/home/x/build/panel.csv'",
            "FileNotFoundError: No such file: 'panel.csv'",
        ),
        ("EstimationError", "only 1 cluster in /tmp/a/b.csv", "EstimationError: only 1 cluster in b.csv"),
        ("ModuleNotFoundError", "No module named 'altair'", "ModuleNotFoundError: No module named 'altair'"),
        ("KeyError", "", "KeyError"),
    ],
)
def test_causes_keep_words_and_lose_values(name, message, cause):
    assert cause_of(name, message) == cause
