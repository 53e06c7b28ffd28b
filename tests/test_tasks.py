"""The task graph: only what changed runs again, failures stay where they are, a killed build goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import tiny_steps
from tiny_steps import join_step, runs, tiny_places

from sfpc_book.book import keys
from sfpc_book.book.code_used import closure, code_of_function
from sfpc_book.book.failure_page import Failure
from sfpc_book.book.graph import reduce_graph
from sfpc_book.book.keys import changes, key_of, recorded_key
from sfpc_book.book.step import Step, ancestors, makers, needed_for
from sfpc_book.book.tasks import Watch, run_steps
from sfpc_book.errors import BookBuildError


@pytest.fixture
def places(tmp_path):
    places = tiny_places(tmp_path)
    (places.build / "left.in").write_text("left", encoding="utf-8")
    (places.build / "right.in").write_text("right", encoding="utf-8")
    return places


def chain(places, word=""):
    """left and right are joined each, then together, then once more."""
    return (
        join_step(places, "left", "left.in"),
        join_step(places, "right", "right.in"),
        join_step(places, "both", "left.txt", "right.txt", word=word),
        join_step(places, "end", "both.txt"),
    )


def run(steps, places, jobs=2):
    return {outcome.name: outcome for outcome in run_steps(steps, places, jobs=jobs, watch=Watch())}


def test_a_second_build_runs_nothing(places):
    assert {outcome.status for outcome in run(chain(places), places).values()} == {"done"}
    assert runs(places) == ["both", "end", "left", "right"]
    assert (places.build / "end.txt").read_text(encoding="utf-8") == "LEFTRIGHT"
    started = []
    watch = Watch(before_first=lambda: started.append(1))
    outcomes = run_steps(chain(places), places, jobs=2, watch=watch)
    assert {outcome.status for outcome in outcomes} == {"unchanged"}
    assert runs(places) == [] and started == []


def test_a_changed_input_reruns_only_what_hangs_on_it(places):
    run(chain(places), places)
    runs(places)
    (places.build / "left.in").write_text("other", encoding="utf-8")
    run(chain(places), places)
    assert runs(places) == ["both", "end", "left"]


def test_a_change_that_changes_no_output_goes_no_further(places):
    run(chain(places), places)
    runs(places)
    (places.build / "left.in").write_text("LEFT", encoding="utf-8")
    run(chain(places), places)
    assert runs(places) == ["left"]


def test_a_touched_file_of_equal_content_reruns_nothing(places):
    run(chain(places), places)
    runs(places)
    os.utime(places.build / "left.in", (1, 1))
    run(chain(places), places)
    assert runs(places) == []


def test_a_changed_argument_reruns_its_step(places):
    run(chain(places), places)
    runs(places)
    run(chain(places, word="!"), places)
    assert runs(places) == ["both", "end"]


def test_an_output_that_is_gone_is_made_again(places):
    run(chain(places), places)
    runs(places)
    (places.build / "both.txt").unlink()
    run(chain(places), places)
    assert runs(places) == ["both"]


def test_an_input_that_is_dropped_is_a_change(places):
    run(chain(places), places)
    runs(places)
    steps = (*chain(places)[:2], join_step(places, "both", "left.txt"), chain(places)[3])
    run(steps, places)
    assert runs(places) == ["both", "end"]


def test_changed_code_or_environment_reruns_everything_that_uses_it(places, monkeypatch):
    run(chain(places), places)
    runs(places)
    monkeypatch.setattr(keys, "environment", lambda home: {"python": "4"})
    monkeypatch.setattr("sfpc_book.book.tasks.environment", lambda home: {"python": "4"})
    run(chain(places), places)
    assert runs(places) == ["both", "end", "left", "right"]


def folder_steps(places):
    arguments = (("name", "many"), ("source", "left.in"), ("target", "folder"))
    listing = (("name", "listing"), ("source", "folder"), ("target", "listing.txt"))
    folder = places.build / "folder"
    return (
        Step("many", "", tiny_steps.many, arguments, (places.build / "left.in",), (), (folder,)),
        Step("listing", "", tiny_steps.listing, listing, (folder,), (places.build / "listing.txt",)),
    )


def test_a_folder_stands_for_every_file_in_it(places):
    run(folder_steps(places), places)
    runs(places)
    (places.build / "folder" / "more").write_text("more", encoding="utf-8")
    run(folder_steps(places), places)
    assert runs(places) == ["listing", "many"]


def failing_steps(places):
    arguments = (("name", "bad"), ("target", "bad.txt"))
    bad = Step("bad", "", tiny_steps.fail, arguments, (), (places.build / "bad.txt",))
    return (bad, join_step(places, "after", "bad.txt"), *chain(places))


def test_a_failure_is_named_without_its_data_and_the_rest_is_run(places):
    outcomes = run(failing_steps(places), places)
    assert outcomes["bad"].status == "failed"
    assert outcomes["bad"].cause.startswith("KeyError: '…'") and "4711" not in outcomes["bad"].cause
    assert outcomes["after"].status == "skipped"
    assert outcomes["end"].status == "done"


def test_what_failed_is_tried_again_and_nothing_else(places):
    run(failing_steps(places), places)
    runs(places)
    (places.home / "mended").touch()
    outcomes = run(failing_steps(places), places)
    assert runs(places) == ["after", "bad"]
    assert outcomes["after"].status == "done"


def test_an_input_that_nothing_makes_is_an_error_of_the_graph(places):
    with pytest.raises(BookBuildError, match="nothing makes these files") as caught:
        run((join_step(places, "left", "nowhere.in"),), places)
    assert "nowhere.in" in caught.value.text()


def test_a_dead_worker_is_told_from_a_failed_step(places):
    arguments = (("name", "dies"), ("target", "dies.txt"))
    step = Step("dies", "", tiny_steps.die, arguments, (), (places.build / "dies.txt",))
    assert run((step,), places)["dies"].worker_died
    assert run((step,), places)["dies"].status == "done"


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import tiny_steps
from tiny_steps import join_step, tiny_places
from sfpc_book.book.step import Step
from sfpc_book.book.tasks import Watch, run_steps

if __name__ == "__main__":
    places = tiny_places(Path({folder!r}))
    arguments = (("name", "slow"), ("target", "slow.txt"))
    left, done = places.build / "left.txt", places.build / "slow.txt"
    slow = Step("slow", "", tiny_steps.slow, arguments, (left,), (done,))
    steps = (join_step(places, "left", "left.in"), slow, join_step(places, "end", "slow.txt"))
    run_steps(steps, places, jobs=1, watch=Watch())
"""


def test_a_killed_build_goes_on_where_it_stopped(places, repository):
    (places.home / "slow").touch()
    script = places.home / "killed.py"
    script.write_text(
        KILLED.format(tests=str(repository / "tests"), folder=str(places.home)), encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    process = subprocess.Popen([sys.executable, str(script)], env=environment, start_new_session=True)
    log = places.home / "log"
    for _ in range(300):
        if log.exists() and "slow" in log.read_text(encoding="utf-8"):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert runs(places) == ["left", "slow"]
    assert not (places.build / "slow.txt").exists()
    (places.home / "slow").unlink()
    subprocess.run([sys.executable, str(script)], env=environment, check=True)
    assert runs(places) == ["end", "slow"]


def test_the_key_of_a_success_says_what_has_changed_since(places):
    step = chain(places)[0]
    run((step,), places)
    before, seconds = recorded_key("left", places)
    assert changes(before, key_of(step, places)) == () and seconds >= 0
    (places.build / "left.in").write_text("new", encoding="utf-8")
    changed = changes(before, key_of(join_step(places, "left", "left.in", word="!"), places))
    assert [(change.part, change.name, change.how) for change in changed] == [
        ("data", "build/left.in", "changed"),
        ("parameters", "word", "new"),
    ]


def test_code_of_a_step_is_what_its_function_can_reach():
    from sfpc_book.book import work

    reading = code_of_function(work.run_notebook)
    assert "sfpc_book/book/run.py" in reading and "sfpc_book/book/normalise.py" in reading
    assert "sfpc_book/cohort/build.py" not in reading and "sfpc_book/book/site.py" not in reading
    cohort = code_of_function(work.build_model_cohort)
    assert "sfpc_book/cohort/panel.py" in cohort and "sfpc_book/study/wedge.py" in cohort
    assert "sfpc_book/book/run.py" not in cohort
    assert code_of_function(work.assemble)["assemble()"] != reading["run_notebook()"]


def test_files_that_a_module_names_belong_to_its_code_and_to_no_other():
    assert any(name.endswith(".ttf") for name in closure(("sfpc_book.book.extension",)))
    assert all(name.endswith(".py") for name in closure(("sfpc_book.book.run",)))


def test_steps_that_make_the_same_file_are_refused(places):
    with pytest.raises(ValueError, match=r"Two steps make left\.txt"):
        makers((join_step(places, "left", "left.in"), join_step(places, "left", "right.in")))


def test_a_selection_takes_what_it_needs_and_no_more(places):
    steps = chain(places)
    assert [step.name for step in needed_for(["both"], steps)] == ["left", "right", "both"]
    assert [step.name for step in ancestors(steps[3], makers(steps))] == ["both", "left", "right"]


def book_like(places, failures):
    """read, cohort, chapter one; chapter two alone; estimates of those not failed, summary, book."""
    from tiny_chapters import tiny_chapter

    chapters = [tiny_chapter(name) for name in ("one", "two", "summary")]
    pages = {"one": "cohort.txt", "two": "left.in", "summary": "estimates.txt"}
    made = tuple(
        Step(f"chapter {name}", "", tiny_steps.join, (), () if name in failures else (places.build / source,),
             (places.build / f"chapter {name}.txt",))
        for name, source in pages.items()
    )  # fmt: skip
    results = [f"chapter {name}.txt" for name in ("one", "two") if name not in failures]
    bound = join_step(places, "book", *(f"chapter {name}.txt" for name in pages))
    first = (join_step(places, "read", "left.in"), join_step(places, "cohort", "read.txt"))
    return chapters, (*first, *made, join_step(places, "estimates", *results), bound)


def reduced(places, failures=None, broken=None):
    chapters, _ = book_like(places, {})
    return reduce_graph(chapters, lambda failed: book_like(places, failed)[1], failures or {}, broken or {})


def test_a_failed_chapter_becomes_a_page_and_the_summary_is_still_made(places):
    left = reduced(places, failures={"one": Failure("one", "cell 3", "ValueError")})
    assert set(left.failures) == {"one"}
    assert {step.name for step in left.steps} >= {"chapter one", "chapter summary", "estimates", "book"}


def test_chapters_of_a_failed_step_name_its_cause(places):
    left = reduced(places, broken={"read": "ReturnsError: no such sheet"})
    assert set(left.failures) == {"one"}
    assert left.failures["one"].where == "the step it needs: read"
    assert left.failures["one"].cause == "ReturnsError: no such sheet"
    names = {step.name for step in left.steps}
    assert "cohort" not in names and {"chapter one", "chapter two", "book"} <= names


def test_without_estimates_only_the_summary_is_lost(places):
    left = reduced(places, broken={"estimates": "BookBuildError: columns"})
    assert set(left.failures) == {"summary"}
    assert {"chapter summary", "book"} <= {step.name for step in left.steps}
