"""Workers of a Dask cluster, on this machine or on many. The only file that imports distributed.

Every worker must have this package and see the study file and the build folder under the same paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from sfpc_book.errors import ParameterError


@dataclass(frozen=True)
class Cluster:
    """How many tasks it does at once, and what makes an executor of it."""

    processes: int
    executor: Callable[[], Executor]


@contextmanager
def dask_workers(address: str | None) -> Iterator[Cluster | None]:
    """The cluster whose scheduler listens at an address such as tcp://10.0.0.1:8786; None without one.

    Raises
    ------
    ParameterError
        When nobody answers there, or the cluster has no workers.
    """
    if address is None:
        yield None
        return
    import distributed  # here: it takes longer to import than most commands take

    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise ParameterError(f"--dask {address}: no scheduler answers there ({error})") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ParameterError(f"--dask {address}: the cluster has no workers; start some, then try again")
        yield Cluster(threads, client.get_executor)
