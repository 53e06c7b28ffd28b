"""The processes that steps run in: forked from a warm server, with a fixed environment, ending with the
build."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sfpc_book.book.kernel_provisioner import FIXED_ENVIRONMENT

PRELOADED = (
    "sfpc_book.book.tasks",
    "pandas",
    "pyarrow.parquet",
    "papermill",
    "nbclient",
    "jupyter_client.manager",
)


def worker_context() -> multiprocessing.context.BaseContext:
    """Workers forked from a warm server where the system can; never from this process, which has threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def prepare_worker(environ: Mapping[str, str]) -> None:
    """A worker takes over the environment of this build (the server may be older than it) and ends with
    it."""
    os.environ.clear()
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides; a step in hand is finished
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)  # the main process was killed: nobody waits for this step


@contextmanager
def fixed_environment() -> Iterator[None]:
    """What results may depend on is fixed for workers, as it is for kernels."""
    before = dict(os.environ)
    os.environ.update(FIXED_ENVIRONMENT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    path = list(sys.path)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.path[:] = path
