"""Run the steps of a build as a task graph. The only user of pytask.

pytask decides what must run again (content of inputs, arguments, code, environment, outputs), in which
order, and remembers successes as they happen, so a killed build goes on where it stopped. pytask-parallel
hands tasks to worker processes; these are forked from a server that has imported the heavy libraries once.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytask
from pytask_parallel import ParallelBackend, registry

from sfpc_book.book.code_used import digest
from sfpc_book.book.files import write_text
from sfpc_book.book.keys import code_of, environment, file_digest, files_below, record_key, shown_name
from sfpc_book.book.scrub import cause_of_exception
from sfpc_book.book.step import Places, Step, makers
from sfpc_book.book.workers import fixed_environment, prepare_worker, worker_context
from sfpc_book.errors import BookBuildError, SfpcBookError

# More tasks than workers are handed over, so that a worker never waits for the scheduler's next look.
QUEUE = 2


@dataclass(frozen=True)
class StepOutcome:
    """How a step ended: `done`, `unchanged`, `failed` (with a publishable cause) or `skipped` (it needs a
    failed one)."""

    name: str
    status: str
    cause: str = ""
    cell: str = ""
    exit_code: int = BookBuildError.exit_code
    worker_died: bool = False


class StepFailure(BookBuildError):
    """A step failed in a worker; holds only what may be published."""

    def __init__(self, name: str, cell: str, cause: str, exit_code: int) -> None:
        self.name, self.cell, self.cause, self.exit_code = name, cell, cause, exit_code
        super().__init__(f"{name}: {cause}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str, int]]:
        return type(self), (self.name, self.cell, self.cause, self.exit_code)


@dataclass
class Watch:
    """Called in the main process: before the first step that has to run, and at each step's start and end."""

    before_first: Callable[[], None] = lambda: None
    started: Callable[[str], None] = lambda name: None
    ended: Callable[[str, str], None] = lambda name, status: None
    begun: bool = field(default=False, init=False)

    @pytask.hookimpl
    def pytask_execute_task_log_start(self, task: pytask.PTask) -> None:
        self.started(task.name)

    @pytask.hookimpl(tryfirst=True)
    def pytask_execute_task(self) -> None:
        if not self.begun:
            self.begun = True
            self.before_first()

    @pytask.hookimpl(tryfirst=True)
    def pytask_execute_task_log_end(self, report: pytask.ExecutionReport) -> None:
        self.ended(report.task.name, STATUSES.get(report.outcome, "failed"))


STATUSES = {
    pytask.TaskOutcome.SUCCESS: "done",
    pytask.TaskOutcome.SKIP_UNCHANGED: "unchanged",
    pytask.TaskOutcome.FAIL: "failed",
    pytask.TaskOutcome.SKIP_PREVIOUS_FAILED: "skipped",
}


@dataclass(kw_only=True)
class StepTask(pytask.TaskWithoutPath):
    """A task whose code is one of its dependencies, and hence not part of its own state."""

    def state(self) -> str | None:
        return "step"


@dataclass(kw_only=True)
class FolderNode:
    """A dependency or product that is a folder: its state covers the name and content of every file in it."""

    name: str
    path_of_folder: Path
    attributes: dict[Any, Any] = field(default_factory=dict)

    @property
    def signature(self) -> str:
        return digest(f"folder {self.path_of_folder}".encode())

    def state(self) -> str | None:
        folder = self.path_of_folder
        files = [[path.relative_to(folder).as_posix(), file_digest(path)] for path in files_below(folder)]
        return digest(json.dumps(files).encode()) if files else None

    def load(self, is_product: bool = False) -> Path:
        return self.path_of_folder

    def save(self, value: Any) -> None:
        raise NotImplementedError("steps write their folders themselves")


@dataclass(kw_only=True)
class KeyedNode:
    """A dependency that is a value of this process: what a step calls. Its state is the key that is given."""

    name: str
    value: tuple[Step, Places]
    key: str
    attributes: dict[Any, Any] = field(default_factory=dict)

    @property
    def signature(self) -> str:
        return digest(f"value {self.name}".encode())

    def state(self) -> str:
        return self.key

    def load(self, is_product: bool = False) -> tuple[Step, Places]:
        return self.value

    def save(self, value: Any) -> None:
        raise NotImplementedError("a step's call is never a product")


def run_steps(
    steps: Sequence[Step],
    places: Places,
    *,
    jobs: int,
    watch: Watch,
    executor: Callable[[], Executor] | None = None,
) -> tuple[StepOutcome, ...]:
    """Run what has to be run and say how each step ended, in no particular order.

    `executor` makes the workers, if they are not to be `jobs` processes of this machine; they must see the
    same folders.

    Raises `BookBuildError` if the graph itself is at fault: an input that nothing makes and nobody gave.
    """
    _check_inputs(steps, places)
    folders = frozenset(path for step in steps for path in step.output_folders)
    tasks = [_task(step, places, folders) for step in steps]
    with _quiet() as said, fixed_environment():
        registry.register_parallel_backend(ParallelBackend.CUSTOM, _executor_builder(jobs, watch, executor))
        session = pytask.build(
            tasks=tasks,
            config=_configuration(places),
            database_url="sqlite://",  # successes are remembered in the lock file; the database costs seconds
            n_workers=jobs * QUEUE,
            parallel_backend=ParallelBackend.CUSTOM,
            capture="no",
            verbose=0,
            show_traceback=False,
        )
    if session.exit_code not in (pytask.ExitCode.OK, pytask.ExitCode.FAILED) or (
        session.exit_code == pytask.ExitCode.FAILED and not session.execution_reports
    ):
        raise BookBuildError("the build could not be planned", _last_lines(said.getvalue()))
    if len(session.execution_reports) < len(steps):
        raise BookBuildError("the build was interrupted; the same command goes on where it stopped")
    return tuple(_outcome(report) for report in session.execution_reports)


def perform(call: tuple[Step, Places], **_dependencies: Any) -> None:
    """Run one step in a worker and record its key; a failure carries only what may be published."""
    step, places = call
    started = time.monotonic()
    try:
        step.function(places, **dict(step.arguments))
    except Exception as error:
        cell, cause = getattr(error, "cell", ""), getattr(error, "cause", "") or cause_of_exception(error)
        code = error.exit_code if isinstance(error, SfpcBookError) else BookBuildError.exit_code
        raise StepFailure(step.name, cell, cause, code) from None
    if not step.in_place_of_failed:
        record_key(step, places, time.monotonic() - started)


def _task(step: Step, places: Places, folders: frozenset[Path]) -> StepTask:
    template = () if step.template is None else (step.template,)
    read = dict.fromkeys((*step.inputs, *template))
    depends_on: dict[str, Any] = {
        "call": KeyedNode(name=f"{step.name} call", value=(step, places), key=_fixed_key(step, places)),
        "inputs": [_node(path, is_folder=path in folders or path.is_dir()) for path in read],
    }
    produces = {
        "outputs": [_node(path, is_folder=False) for path in step.outputs],
        "folders": [_node(path, is_folder=True) for path in step.output_folders],
    }
    return StepTask(name=step.name, function=perform, depends_on=depends_on, produces=produces)


def _check_inputs(steps: Sequence[Step], places: Places) -> None:
    made = makers(steps)
    problems = [
        f"{step.name} needs {shown_name(path, places)}"
        for step in steps
        for path in (*step.inputs, *((step.template,) if step.template else ()))
        if path not in made and not path.exists()
    ]
    if problems:
        raise BookBuildError(
            "the build cannot begin: nothing makes these files, and they are not there", problems
        )


def _fixed_key(step: Step, places: Places) -> str:
    """Digest of what is known before anything runs. Names of inputs are in it: one that is gone is a
    change."""
    inputs = [os.path.relpath(path, places.build) for path in step.inputs]
    arguments = [[name, repr(value)] for name, value in step.arguments]
    parts = [inputs, arguments, code_of(step), environment(places.home)]
    return digest(json.dumps(parts, sort_keys=True).encode())


def _node(path: Path, *, is_folder: bool) -> Any:
    if is_folder:
        return FolderNode(name=f"folder {path}", path_of_folder=path)
    return pytask.PathNode.from_path(path)


def _configuration(places: Places) -> Path:
    """pytask keeps its state beside its configuration file: inside the build folder."""
    return write_text(places.records / "pytask.toml", "[tool.pytask.ini_options]\n")


def _executor_builder(
    jobs: int, watch: Watch, executor: Callable[[], Executor] | None
) -> Callable[[int], Executor]:
    def build(n_workers: int) -> Executor:
        pytask.storage.get().register(watch)
        if executor is not None:
            return executor()
        return ProcessPoolExecutor(
            jobs, mp_context=worker_context(), initializer=prepare_worker, initargs=(dict(os.environ),)
        )

    return build


@contextmanager
def _quiet() -> Iterator[io.StringIO]:
    """pytask writes to its own console; the build has its own display."""
    said, before = io.StringIO(), pytask.console.file
    pytask.console.file = said
    try:
        yield said
    finally:
        pytask.console.file = before


def _outcome(report: pytask.ExecutionReport) -> StepOutcome:
    status = STATUSES.get(report.outcome, "failed")
    if status != "failed" or report.exc_info is None:
        return StepOutcome(report.task.name, status)
    error = report.exc_info[1]
    if isinstance(error, StepFailure):
        return StepOutcome(report.task.name, status, error.cause, error.cell, error.exit_code)
    if isinstance(error, BrokenProcessPool):
        return StepOutcome(
            report.task.name, status, "the worker process died; the usual reason is memory", worker_died=True
        )
    return StepOutcome(report.task.name, status, cause_of_exception(error))


def _last_lines(text: str, number: int = 12) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][-number:]
