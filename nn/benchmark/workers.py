"""Processes that work for this one, and end when it ends.

However it ends, by SIGKILL too: a thread of each waits for that, and on Linux the system ends those
whose threads cannot run, because a long call into a framework holds Python's lock.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from nn.support.errors import DigitpadError

if sys.platform == "linux":
    import fcntl

Result = TypeVar("Result")

CONTEXT = multiprocessing.get_context("spawn")
PATIENCE = 10.0  # seconds that a process has to end when there is no more work
# What the caller can explain to its user. Any other error ends the process, with a traceback.
PASSED_ON = (DigitpadError, ImportError, OSError, MemoryError)


class WorkerEnded(Exception):
    """A worker's process ended in the middle of its work."""


class Workers:
    """A process for each name, started with its first piece of work; none is left after `with`.

    Ctrl-C, which reaches all processes of a terminal, only interrupts the caller.
    """

    def __init__(self, environments: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Variables that a process of some name has, besides those of this one."""
        self._environments = environments or {}
        self._workers: dict[str, tuple[BaseProcess, Connection]] = {}

    def run(self, name: str, work: Callable[..., Result], *arguments: object) -> Result:
        """What `work(*arguments)` returns in the process called `name`; one at a time.

        Raises what it raises, if that is one of `PASSED_ON`, and `WorkerEnded` if the process died.
        """
        if name not in self._workers:
            self._workers[name] = _start(self._environments.get(name, {}))
        process, connection = self._workers[name]
        try:
            connection.send((work, arguments))
            answer, error = connection.recv()
        except (EOFError, ConnectionError):
            process.join()
            raise WorkerEnded(f"its process ended with status {process.exitcode}") from None
        if error:
            raise error
        result: Result = answer
        return result

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        for process, connection in self._workers.values():
            connection.close()  # to a process that waits for work: there is no more
            if kind:
                process.kill()
        for process, _ in self._workers.values():
            process.join(PATIENCE)
            process.kill()
            process.join()


def _start(environment: Mapping[str, str]) -> tuple[BaseProcess, Connection]:
    """A new process, and the connection to it."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=_serve, args=(theirs,))  # no daemon, for it may fork
    # Inherited: the variables, which NumPy reads as it is imported; and it does not hear Ctrl-C
    # while it imports, either.
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.start()
    finally:
        signal.signal(signal.SIGINT, handler)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return process, ours


def _serve(connection: Connection) -> None:
    """Do one piece of work after the other, until there is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it is not inherited
    _end_with_parent()
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            work, arguments = connection.recv()
            connection.send(_outcome(work, arguments))


def _outcome(work: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[Any, Any]:
    """What the work returned, and None; or None, and why it could not be done."""
    try:
        return work(*arguments), None
    except PASSED_ON as error:
        return None, error


def _end_with_parent() -> None:
    """Let this process end as soon as its parent does."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
    if sys.platform == "linux":
        # The parent's end of this pipe closes with it: SIGIO, which ends a process by default.
        pipe = parent.sentinel
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
