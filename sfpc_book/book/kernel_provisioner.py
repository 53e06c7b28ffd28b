"""How chapters get their kernels: a manager with our environment, and a provisioner that asks the zygote to
fork.

Kernels talk over Unix sockets in a private folder, not over TCP ports: nobody else can connect, and two
kernels that start at once cannot pick the same port. Where Unix sockets or forking are missing, ordinary
kernels serve.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir

from sfpc_book.book.kernel_zygote import GREETING

ZYGOTE_VARIABLE = "SFPC_BOOK_KERNEL_ZYGOTE"
PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])
# Two numeric threads gain nothing on our sizes, change last digits and choke parallel chapters.
FIXED_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
# Without compiled files every kernel would compile the whole stack again. A debugger or a start-up file of
# the user's must not change what a page says.
DROPPED_ENVIRONMENT = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONSTARTUP",
    "PYTHONBREAKPOINT",
    "PYTHONWARNINGS",
    ZYGOTE_VARIABLE,
)
KERNEL_ARGUMENTS = ("--HistoryManager.enabled=False",)


def kernel_environment() -> dict[str, str]:
    """The environment of every kernel and of the zygote: ours where results depend on it, else the
    caller's."""
    environment = {key: value for key, value in os.environ.items() if key not in DROPPED_ENVIRONMENT}
    paths = [PACKAGE_PARENT, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return {**environment, **FIXED_ENVIRONMENT}


def connect_to_zygote() -> socket.socket | None:
    """A connection on which a fork can be asked for, or None where there is no zygote or it has ended.

    Waits while the zygote is still warming up.
    """
    address = os.environ.get(ZYGOTE_VARIABLE, "")
    if not address:
        return None
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        greeted = _line(connection) == GREETING
    except OSError:
        greeted = False
    if greeted:
        return connection
    connection.close()
    return None


def _line(connection: socket.socket) -> bytes:
    with connection.makefile("rb", buffering=0) as lines:
        return lines.readline()


class ChapterKernelManager(AsyncKernelManager):
    """Starts one kernel for one chapter; forks it from the zygote if there is one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
            self.transport = "ipc"
            self.ip = str(Path(jupyter_runtime_dir()) / f"kernel-{uuid.uuid4().hex[:12]}")

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        options["env"] = {**kernel_environment(), **self._session_variables(options)}
        options["extra_arguments"] = [*options.get("extra_arguments", ()), *KERNEL_ARGUMENTS]
        connection = connect_to_zygote()
        if connection is not None:
            spec = self.kernel_spec
            self.provisioner = ForkProvisioner(kernel_id=self.kernel_id, kernel_spec=spec, parent=self)
            self.provisioner.connection = connection
        return await super()._async_pre_start_kernel(**options)

    @staticmethod
    def _session_variables(options: dict[str, Any]) -> dict[str, str]:
        given = options.get("env") or {}
        return {key: value for key, value in given.items() if key.startswith("JPY_")}


class ForkProvisioner(LocalProvisioner):
    """A kernel forked from the zygote; its life is the life of one connection."""

    connection: socket.socket | None = None
    exit_code: int | None = None

    @property
    def has_process(self) -> bool:
        return self.connection is not None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
        """Ask for a fork with the arguments that `cmd` gives to `ipykernel_launcher`."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        request = {
            "arguments": arguments,
            "env": options["env"],
            "cwd": str(options.get("cwd") or Path.cwd()),
        }
        assert self.connection is not None
        self.connection.sendall((json.dumps(request) + "\n").encode())
        answer = _line(self.connection)
        if not answer:
            raise RuntimeError("the warm process that kernels are forked from has ended")
        self.pid = self.pgid = int(answer)
        self.connection.setblocking(False)
        return self.connection_info

    async def poll(self) -> int | None:
        """None while the kernel lives, else its exit code (that of a kill if the zygote died with it)."""
        if self.connection is None:
            return 0
        if self.exit_code is None:
            try:
                answer = self.connection.recv(64)
            except BlockingIOError:
                return None
            except ConnectionError:
                answer = b""
            self.exit_code = int(answer) if answer else -signal.SIGKILL
        return self.exit_code

    async def wait(self) -> int | None:
        """Wait until the kernel has ended, then let go of the connection."""
        while (code := await self.poll()) is None:
            await asyncio.sleep(0.005)
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel and whatever it started."""
        if self.pid and await self.poll() is None:
            try:
                os.killpg(self.pid, signum)
            except ProcessLookupError:
                self.log.debug("kernel %s had already ended", self.pid)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)
