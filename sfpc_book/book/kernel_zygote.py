"""A warm process that forks one fresh kernel per request, so that a chapter does not import everything anew.

Run as `python -m sfpc_book.book.kernel_zygote DESCRIPTOR [MODULE ...]`, where DESCRIPTOR is an inherited
Unix socket that listens already: imports the modules once, then greets each connection, reads its request
(a line of JSON: arguments, env, cwd) and forks a child that becomes an ordinary IPython kernel. The
connection stays open as long as the kernel lives: the zygote writes the process id, later the exit code;
when the other side hangs up, the kernel is killed. When the zygote's standard input ends, its owner is
gone: it kills its kernels and leaves.

Nothing here may start a thread before forking: a forked copy of a locked lock stays locked for ever.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GREETING = b"ready\n"
KERNEL_MODULES = ("ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.core.completer")
# pandas asks at import whether it runs in a kernel, and shows fewer columns in one than in a bare process.
PANDAS_COLUMNS_IN_A_KERNEL = 20


@dataclass
class Zygote:
    """The listening socket, the selector, and the connection of each living kernel by process id."""

    listener: socket.socket
    wake_up: socket.socket
    awake: socket.socket  # the signal machinery writes here, and `wake_up` reads it
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    kernels: dict[int, socket.socket] = field(default_factory=dict)


def main(arguments: list[str]) -> None:
    """Warm up, then serve until standard input ends."""
    listener = socket.socket(fileno=int(arguments[0]))
    warm_up(arguments[1:])
    zygote = _listen(listener)
    try:
        while _serve_once(zygote):
            pass
    finally:
        for process in tuple(zygote.kernels):
            _kill(process)


def warm_up(modules: list[str]) -> None:
    """Import what kernels will need. A module that cannot be imported is left to fail in the kernel
    itself."""
    if sys.path and sys.path[0] in ("", str(Path.cwd())):
        del sys.path[0]  # `-m` puts the working directory first; a kernel takes it away again, and so do we
    for name in (*KERNEL_MODULES, *modules):
        try:
            importlib.import_module(name)
        except Exception as error:
            print(f"not warmed: {name} ({type(error).__name__})", file=sys.stderr)
    if "pandas" in sys.modules:
        sys.modules["pandas"].set_option("display.max_columns", PANDAS_COLUMNS_IN_A_KERNEL)
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise SystemExit(f"cannot fork: an import started threads ({names})")
    gc.collect()
    gc.freeze()


def _listen(listener: socket.socket) -> Zygote:
    wake_up, awake = socket.socketpair()
    for end in (wake_up, awake, listener):
        end.setblocking(False)
    signal.set_wakeup_fd(awake.fileno())
    signal.signal(signal.SIGCHLD, _ignore)  # a handler must exist for the wake-up to be written
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides when to stop
    zygote = Zygote(listener, wake_up, awake)
    for source in (listener, wake_up, sys.stdin.fileno()):
        zygote.selector.register(source, selectors.EVENT_READ)
    return zygote


def _ignore(_number: int, _frame: Any) -> None:
    """Children are reaped in the loop."""


def _serve_once(zygote: Zygote) -> bool:
    """Handle what has happened; False when the owner is gone."""
    for key, _ in zygote.selector.select():
        if key.fileobj == sys.stdin.fileno():
            if not os.read(sys.stdin.fileno(), 1):
                return False
        elif key.fileobj is zygote.listener:
            _greet(zygote)
        elif key.fileobj is zygote.wake_up:
            zygote.wake_up.recv(4096)
            _reap(zygote)
        elif key.data is None:
            _answer(zygote, key.fileobj)
        else:
            _hung_up(zygote, key.data)
    return True


def _greet(zygote: Zygote) -> None:
    connection, _ = zygote.listener.accept()
    connection.setblocking(True)
    try:
        connection.sendall(GREETING)
    except OSError:
        connection.close()  # the client is gone already
        return
    zygote.selector.register(connection, selectors.EVENT_READ, None)


def _answer(zygote: Zygote, connection: socket.socket) -> None:
    """Fork a kernel for one request and answer with its process id; an empty request is a client that
    left."""
    zygote.selector.unregister(connection)
    try:
        with connection.makefile() as lines:
            request = json.loads(lines.readline())
    except (OSError, ValueError):
        connection.close()
        return
    process = os.fork()
    if process == 0:
        _become_kernel(zygote, connection, request)
    zygote.kernels[process] = connection
    zygote.selector.register(connection, selectors.EVENT_READ, process)
    _tell(connection, process)


def _tell(connection: socket.socket, number: int) -> None:
    try:
        connection.sendall(f"{number}\n".encode())
    except OSError:
        print(f"nobody to tell {number}", file=sys.stderr)


def _reap(zygote: Zygote) -> None:
    """Tell the other side of each kernel that has ended its exit code."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0:
            return
        connection = zygote.kernels.pop(process)
        if connection in zygote.selector.get_map():
            zygote.selector.unregister(connection)
        _tell(connection, os.waitstatus_to_exitcode(status))
        connection.close()


def _hung_up(zygote: Zygote, process: int) -> None:
    """The other side closed: its kernel has nobody to work for. It is reaped like any other."""
    if process in zygote.kernels:
        zygote.selector.unregister(zygote.kernels[process])
        _kill(process)


def _kill(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(process, signal.SIGKILL)  # not yet the leader of its own group


def _become_kernel(zygote: Zygote, connection: socket.socket, request: dict[str, Any]) -> None:
    """In the child: become what `python -m ipykernel_launcher` would be, and never return."""
    code = 1
    try:
        _forget_parent(zygote, connection)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        sys.argv = ["ipykernel_launcher", *request["arguments"]]
        _reseed()
        from ipykernel import kernelapp

        kernelapp.launch_new_instance()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 0
    finally:
        os._exit(code)  # no clean-up of the parent's objects


def _forget_parent(zygote: Zygote, connection: socket.socket) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    zygote.selector.close()
    others = (zygote.listener, zygote.wake_up, zygote.awake, connection, *zygote.kernels.values())
    for other in others:
        other.close()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # a kernel speaks through its sockets; what libraries print goes nowhere
        os.dup2(null, standard)


def _reseed() -> None:
    """Forked copies share the state of the global generators; a fresh process would have its own."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


if __name__ == "__main__":
    main(sys.argv[1:])
