"""A web server on 127.0.0.1 that fails in every way a mirror has been seen to fail.

`Server(files, faults)` answers each request with the next of `faults`, and properly once they are
used up. A fault is a function of the request's handler and the bytes it asks for.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers one request; the faults use its helpers."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name is http.server's
        self.close_connection = True
        name = self.path.rpartition("/")[2]
        self.server.requests.append((name, self.headers.get("Range")))
        fault = next(self.server.faults, well)
        fault(self, self.server.files[name])

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def begin_part(self, body: bytes, announce: bool = True) -> bytes:
        """Send the head that the request's Range asks for; return the bytes that belong to it."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        headers: dict[str, object] = {"Content_Length": len(body) - start} if announce else {}
        if asked:
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        self.begin(206 if asked else 200, **headers)
        return body[start:]

    def log_message(self, format: str, *args: Any) -> None:
        pass


Fault = Callable[[Handler, bytes], None]


class Server(ThreadingHTTPServer):
    """Runs between `with` and the end of its block; `requests` lists (name, Range header)."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], faults: Iterable[Fault] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.faults = iter(faults)
        self.requests: list[tuple[str, str | None]] = []
        self.stopped = threading.Event()
        self.hanging = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def mirror(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/mnist/"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stopped.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news here."""


def dead_mirror() -> str:
    """The address of a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/mnist/"


def well(handler: Handler, body: bytes) -> None:
    handler.wfile.write(handler.begin_part(body))


def without_ranges(handler: Handler, body: bytes) -> None:
    handler.begin(200, Content_Length=len(body))
    handler.wfile.write(body)


def without_length(handler: Handler, body: bytes) -> None:
    handler.wfile.write(handler.begin_part(body, announce=False))


def labelled_as_encoded(handler: Handler, body: bytes) -> None:
    """As Apache is often set up: the file's own packing is called an encoding."""
    handler.begin(200, Content_Length=len(body), Content_Encoding="gzip")
    handler.wfile.write(body)


def error_page(handler: Handler, body: bytes) -> None:
    page = b"<!DOCTYPE html><title>Moved</title>We have moved."
    handler.begin(200, Content_Length=len(page), Content_Type="text/html")
    handler.wfile.write(page)


def status(code: int) -> Fault:
    return lambda handler, body: handler.begin(code, Content_Length=0)


def instead(other: bytes) -> Fault:
    return lambda handler, body: without_ranges(handler, other)


def truncated(size: int, announce: bool = True) -> Fault:
    def fault(handler: Handler, body: bytes) -> None:
        handler.wfile.write(handler.begin_part(body, announce)[:size])

    return fault


def reset(size: int) -> Fault:
    """Send some bytes, then slam the door (RST) instead of closing it (FIN)."""

    def fault(handler: Handler, body: bytes) -> None:
        handler.wfile.write(handler.begin_part(body)[:size])
        handler.wfile.flush()
        time.sleep(0.5)  # the client shall have read what came before
        linger_not = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        # `makefile` holds the descriptor open as well, so closing alone would send nothing.
        handler.rfile.close()
        handler.connection.close()

    return fault


def hanging(size: int) -> Fault:
    """Send some bytes of the body (or, with −1, not even the head), then nothing more."""

    def fault(handler: Handler, body: bytes) -> None:
        if size >= 0:
            handler.wfile.write(handler.begin_part(body)[:size])
        handler.server.hanging.set()
        handler.server.stopped.wait(300)

    return fault


def dripping(handler: Handler, body: bytes) -> None:
    """Send a byte now and then: too often for a read to time out, too seldom to be of use."""
    for byte in handler.begin_part(body):
        handler.wfile.write(bytes([byte]))
        if handler.server.stopped.wait(0.05):
            return


def raw(head: bytes, again: bytes, pause: float = 0.0) -> Fault:
    """Send `head`, then `again` and again, for ever; without it, nothing more."""

    def fault(handler: Handler, body: bytes) -> None:
        handler.wfile.write(head)
        while again and not handler.server.stopped.wait(pause):
            handler.wfile.write(again)

    return fault


def in_chunks(end: bytes, again: bytes) -> Fault:
    """Send the body as one chunk, but for its end, and then something else for ever."""

    def fault(handler: Handler, body: bytes) -> None:
        handler.begin(200, Transfer_Encoding="chunked")
        handler.wfile.write(b"%x\r\n%b\r\n%b" % (len(body), body, end))
        while not handler.server.stopped.wait(0.01):
            handler.wfile.write(again)

    return fault


def endless(handler: Handler, body: bytes) -> None:
    handler.begin(200)
    handler.wfile.write(body[:-100])
    pour(handler)


def redirect(location: str, endless: bool = False) -> Fault:
    def fault(handler: Handler, body: bytes) -> None:
        handler.begin(302, Location=location)
        if endless:
            pour(handler)

    return fault


def pour(handler: Handler) -> None:
    while not handler.server.stopped.is_set():
        handler.wfile.write(bytes(1 << 16))


def together(barrier: threading.Barrier) -> Fault:
    """Send half, wait until all the others have got their half, then send the rest."""

    def fault(handler: Handler, body: bytes) -> None:
        part = handler.begin_part(body)
        handler.wfile.write(part[: len(part) // 2])
        barrier.wait(300)
        handler.wfile.write(part[len(part) // 2 :])

    return fault
