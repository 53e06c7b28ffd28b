"""Start and stop the warm process that kernels are forked from, and the private folder kernels talk in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sfpc_book.book.kernel_provisioner import ZYGOTE_VARIABLE, kernel_environment


def forking_works() -> bool:
    """Can this system fork kernels? Elsewhere, ordinary kernels are started."""
    return hasattr(os, "fork") and sys.platform not in ("win32", "emscripten")


class WarmKernels:
    """A zygote process, started by `start` and stopped by `stop`.

    From its start `ChapterKernelManager`, in this process and in others with its environment, forks its
    kernels from the zygote. Starting returns at once; a kernel asked for meanwhile waits for the warming to
    end. If the zygote dies, ordinary kernels are started.
    """

    def __init__(self, folder: Path, modules: Callable[[], Sequence[str]]) -> None:
        self.address = folder / "zygote"
        self.log = folder / "zygote.log"
        self.modules = modules
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to warm up, in the background."""
        if self.process is not None:
            return
        with socket.socket(socket.AF_UNIX) as listener, self.log.open("wb") as log:
            listener.bind(str(self.address))
            listener.listen(64)
            number = listener.fileno()
            command = [sys.executable, "-m", "sfpc_book.book.kernel_zygote", str(number), *self.modules()]
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=kernel_environment(),
                pass_fds=(number,),
            )

    @property
    def last_words(self) -> str:
        """What the zygote said when it had to give up; empty while all is well."""
        if self.process is None or self.process.poll() in (None, 0):
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with code {self.process.returncode}"

    def stop(self) -> None:
        """End the zygote and with it every kernel that still lives."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextmanager
def kernel_folder() -> Iterator[Path]:
    """A private temporary folder for sockets and settings; the user's own Jupyter settings play no part."""
    folder = Path(
        tempfile.mkdtemp(prefix="sfpc-")
    )  # short: a Unix socket's path has room for about 100 letters
    names = {
        "JUPYTER_RUNTIME_DIR": folder,
        "JUPYTER_CONFIG_DIR": folder / "config",
        "IPYTHONDIR": folder / "ipython",
    }
    before = {name: os.environ.get(name) for name in (*names, ZYGOTE_VARIABLE)}
    os.environ.update({name: str(path) for name, path in names.items()})
    try:
        yield folder
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def warm_kernels(modules: Callable[[], Sequence[str]]) -> Iterator[WarmKernels]:
    """Kernels forked from a warm process, within this block; they end with it.

    `modules` says which modules to import once; it is asked when the process is started.
    """
    with kernel_folder() as folder:
        kernels = WarmKernels(folder, modules)
        os.environ[ZYGOTE_VARIABLE] = str(kernels.address)
        try:
            yield kernels
        finally:
            kernels.stop()
