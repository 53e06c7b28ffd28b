"""Show the built site on this computer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sfpc_book.errors import BookBuildError, ParameterError

ADDRESS = "127.0.0.1"  # this computer only: a draft may not be for everybody on the network


def site_server(site: Path, port: int) -> ThreadingHTTPServer:
    """A server of the site on the loopback address; `port` 0 takes any free one.

    Raises `BookBuildError` if there is no site, `ParameterError` if the port is taken.
    """
    if not (site / "index.html").is_file():
        raise BookBuildError(f"there is no site at {site}; build the book first: sfpc-book build")
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        return ThreadingHTTPServer((ADDRESS, port), handler)
    except OSError as error:
        raise ParameterError(
            f"port {port} cannot be used ({error.strerror}); name another with --port"
        ) from None


def serve_site(site: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted."""
    with site_server(site, port) as server:
        say(f"http://{ADDRESS}:{server.server_address[1]}/  (stop with Ctrl-C)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
