"""Fetching MNIST from the internet once, so that it is whole and genuine or not there at all.

A file is streamed into a temporary file beside its final place, unpacked and hashed as it comes,
and renamed only when the hash is right; a broken connection is resumed within a run, never across
runs. What is stored is checked at each use.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import ssl
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from tqdm import tqdm

from nn.data.mnist_files import FILES, MnistFile
from nn.support.deadline import within
from nn.support.errors import DataError, error_words
from nn.support.files import open_own, write_atomically

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
TIMEOUT = 20.0  # seconds to the first byte, and from then on for each TIMEOUT × SLOWEST bytes
ATTEMPTS = 4  # at one mirror and one file
PAUSE = 1.0  # seconds before the second attempt; doubled for each one after
SLOWEST = 1024  # bytes a second
MAX_REDIRECTS = 5
PACKED_SIZE = 11_594_722  # bytes of all files together, packed as on the first mirror
CHUNK = 1 << 16  # bytes
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # variables that name a file of them

Result = TypeVar("Result")


class _Failure(Exception):
    """An attempt failed, in words for the user; `again`: the same mirror may do better now."""

    def __init__(self, reason: str, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


class _Broken(Exception):
    """The network or a server failed, in words for the user."""


def download_mnist(
    folder: Path,
    mirrors: Sequence[str] = MIRRORS,
    files: Sequence[MnistFile] = FILES,
    timeout: float = TIMEOUT,
    pause: float = PAUSE,
    progress: Callable[[int], object] = lambda size: None,
) -> Path:
    """Return the folder that holds `files`, packed and verified, after fetching what is missing.

    When all is there, nothing is written and no network used. `timeout` and `pause` are in seconds,
    as described at `TIMEOUT` and `PAUSE`; `progress` is told how many bytes have just come. Raises
    `DataError` if no mirror gives a file or it cannot be stored.
    """
    with _Session() as session:
        fetcher = _Fetcher(session, mirrors, timeout, pause, progress)
        for file in files:
            path = folder / file.packed_name
            try:
                fault = stored_fault(path, file)
                if fault:
                    print(f"{path} {fault}; downloading it", file=sys.stderr)
                    write_atomically(path, partial(fetcher.fetch, file))
            except OSError as error:
                raise DataError(
                    f"cannot read or write {path}: {error.strerror or error}; free some space or "
                    "make the folder writable, or name one that holds the files with --data-dir"
                ) from error
            except _Failure as failure:
                names = ", ".join(each.packed_name for each in files)
                raise DataError(
                    f"cannot download {file.packed_name} ({failure}); check the network, or put "
                    f"{names} by hand into {folder} or a folder named with --data-dir"
                ) from failure
    return folder


# --- Deciding: no input, no output -------------------------------------------------------------


class PackedCheck:
    """Unpacks and hashes a `.gz` file as its bytes come, and keeps none of them.

    What is not the file raises `_Failure` at the first byte that shows it, so that neither an
    endless body nor a gzip bomb gets far.
    """

    def __init__(self, file: MnistFile) -> None:
        self._file = file
        self.restart()

    def restart(self) -> None:
        """Forget the bytes fed so far."""
        self.received = 0  # packed bytes
        self._unpacked = 0
        self._digest = hashlib.sha256()
        self._inflate = zlib.decompressobj(wbits=31)  # 16 for gzip + 15 for its largest window

    def feed(self, data: bytes) -> None:
        """Take the next packed bytes."""
        beginning = data[:16]
        self.received += len(data)
        check_size(self.received, self._file)
        try:
            while data:
                if self._inflate.eof:
                    raise _Failure("goes on after the end of its gzip data")
                piece = self._inflate.decompress(data, CHUNK)
                # After the end both can hold the same bytes; the test above stops at them.
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
                self._digest.update(piece)
                self._unpacked += len(piece)
                if self._unpacked > self._file.size:
                    raise _Failure(f"unpacks to more than the expected {self._file.size} bytes")
        except zlib.error as error:
            packed = self._unpacked or beginning.startswith(b"\x1f\x8b")
            what = "damaged gzip data" if packed else f"{beginning!r}…"
            raise _Failure(f"expected gzip data, received {what}") from error

    def finish(self) -> None:
        """Raise `_Failure` unless the bytes fed are the file, whole and genuine."""
        if not self._inflate.eof:
            raise _Failure(f"ends early, after {self.received} bytes", again=True)
        if self._digest.hexdigest() != self._file.sha256:
            expected, received = self._file.sha256[:16], self._digest.hexdigest()[:16]
            raise _Failure(f"expected SHA-256 {expected}…, received {received}…")


def check_size(packed: int, file: MnistFile) -> None:
    """Refuse a packed size in bytes that cannot be right: gzip hardly ever makes data larger."""
    if packed > file.size + file.size // 1000 + 1024:
        raise _Failure(f"has {packed} bytes packed, more than all {file.size} of it unpacked")


def body_start(status: int, headers: Mapping[str, str], received: int, file: MnistFile) -> int:
    """At which byte of the file the body of an answer begins, after `received` bytes before.

    Raises `_Failure` if the answer is of no use.
    """
    if status == 206 and headers.get("Content-Range", "").startswith(f"bytes {received}-"):
        start = received
    elif status == 200:  # a first request, or a server that knows no ranges
        start = 0
    else:
        raise _Failure(f"answers with status {status}", again=status == 429 or status >= 500)
    length = announced(headers)
    if length is not None:
        check_size(start + length, file)
    return start


def announced(headers: Mapping[str, str]) -> int | None:
    """How many bytes an answer says that its body has, if it does; no more than 10**18."""
    length = headers.get("Content-Length", "")
    if not length.isdecimal():
        return None
    return int(length) if len(length) <= 18 else 10**18


def certificates_fault() -> str:
    """What is wrong with the file of certificates that the environment names; "" if nothing is."""
    name = next((name for name in CERTIFICATES if os.environ.get(name)), "")
    path = Path(os.environ.get(name, "."))
    try:
        if path.is_file():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        if path.is_file() or path.is_dir():
            return ""
    except OSError:
        pass
    return f"{name}={path} names no file of certificates; correct it or unset it"


def redirect_target(url: str, location: str) -> str:
    """The address that a redirect from `url` leads to; `_Failure` if it gives up encryption."""
    try:
        target = urljoin(url, location)
        schemes = urlsplit(url).scheme, urlsplit(target).scheme
    except ValueError as error:
        raise _Failure(f"redirects to {location!r}, which is no address") from error
    if schemes not in (("https", "https"), ("http", "http"), ("http", "https")):
        raise _Failure(f"redirects from {schemes[0]} to {schemes[1]}, which is not safe")
    return target


# --- Doing: the disk and the network -----------------------------------------------------------


def stored_fault(path: Path, file: MnistFile) -> str | None:
    """What is wrong with a stored file, as the end of a sentence, or None if it is genuine."""
    check = PackedCheck(file)
    try:
        with open_own(path) as stored:
            while data := stored.read(CHUNK):
                check.feed(data)
        check.finish()
    except FileNotFoundError:
        return "is not there yet"
    except _Failure as failure:
        return f"is damaged ({failure})"
    return None


class _Connections(HTTPAdapter):
    """Opens connections for `requests`, and remembers their sockets until they are ended."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, as `HTTPAdapter` does; their connections are ours."""
        super().init_poolmanager(*arguments, **options)
        pools = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: self._remembering(pool) for scheme, pool in pools.items()
        }

    def _remembering(self, pool: Any) -> Any:
        sockets = self._sockets

        class Connection(pool.ConnectionCls):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                opened: socket.socket = super()._new_conn()
                sockets.append(opened.dup())  # TLS will take the first one over
                return opened

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})

    def end(self) -> None:
        """End all connections; who reads from one comes to its end."""
        while self._sockets:
            with self._sockets.pop() as opened, contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


class _Session(requests.Session):
    """Follows no redirect: `requests` would read its body first, however long that may be."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = _Connections()
        self.mount("http://", self.connections)
        self.mount("https://", self.connections)

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Fetcher:
    """Gets files from the mirrors; those that fail go to the end of the row for later files."""

    def __init__(
        self,
        session: _Session,
        mirrors: Sequence[str],
        timeout: float,
        pause: float,
        progress: Callable[[int], object],
    ) -> None:
        self._session, self._mirrors = session, list(mirrors)
        self._timeout, self._pause, self._progress = timeout, pause, progress
        self._deadline = 0.0  # for the first byte, or the next TIMEOUT × SLOWEST
        self._arrived = 0  # bytes towards that

    def fetch(self, file: MnistFile, out: BinaryIO) -> None:
        """Write the packed file into `out` from the first mirror that has it, or `_Failure`."""
        failures = []
        for mirror in tuple(self._mirrors):
            try:
                return self._fetch_from(f"{mirror.rstrip('/')}/{file.packed_name}", file, out)
            except _Failure as failure:
                failures.append(f"{urlsplit(mirror).netloc}: {failure}")
                self._mirrors.remove(mirror)
                self._mirrors.append(mirror)
        raise _Failure("; ".join(failures))

    def _fetch_from(self, url: str, file: MnistFile, out: BinaryIO) -> None:
        """Write the file into `out` from one address, going on where a broken attempt ended."""
        check = PackedCheck(file)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self._pause * 2 ** (attempt - 1))
            before = check.received
            try:
                self._receive(url, file, check, out)
                return check.finish()
            except _Failure as error:
                failure = error
            except _Broken as error:
                # A mirror that gave nothing at all is left at once, for there are others.
                failure = _Failure(str(error), again=check.received != before)
            finally:
                self._session.connections.end()
            if not failure.again:
                break
        raise failure

    def _receive(self, url: str, file: MnistFile, check: PackedCheck, out: BinaryIO) -> None:
        """Write what one request brings into `out`, from where the last one ended if possible."""
        # Without this header a server may pack the packed file once more on the way.
        headers = {"Accept-Encoding": "identity"}
        if check.received:
            headers["Range"] = f"bytes={check.received}-"
        self._arrived, self._deadline = 0, time.monotonic() + self._timeout
        with self._get(url, headers) as response:
            if body_start(response.status_code, response.headers, check.received, file) == 0:
                check.restart()
                out.seek(0)
                out.truncate()
            # The raw body, as it comes: `iter_content` would unpack it where a server labels it
            # as encoded, and wait for whole pieces from a server that gives a byte at a time.
            read = partial(getattr(response.raw, "read1", response.raw.read), CHUNK)
            length = announced(response.headers)
            with tqdm(
                desc=file.packed_name,
                initial=check.received,
                total=None if length is None else check.received + length,
                unit="B",
                unit_scale=True,
                disable=None,  # that is: unless standard error is a terminal
            ) as bar:
                while data := self._in_time(read):
                    check.feed(data)
                    out.write(data)
                    bar.update(len(data))
                    self._progress(len(data))
                    self._count(len(data))

    def _count(self, size: int) -> None:
        """So many bytes have come; with enough of them, there is time for as many again."""
        self._arrived += size
        if self._arrived >= SLOWEST * self._timeout:
            self._arrived, self._deadline = 0, time.monotonic() + self._timeout

    def _in_time(self, step: Callable[[], Result]) -> Result:
        """What a step on the network gives before the deadline; `_Broken` whatever goes wrong."""
        try:
            return within(self._deadline - time.monotonic(), step)
        except BaseException as error:
            # At once: what still reads from a connection would keep it from being closed.
            self._session.connections.end()
            if not isinstance(error, Exception):
                raise
            if self._arrived and isinstance(error, TimeoutError):
                raise _Broken(f"gives less than {SLOWEST} bytes a second") from error
            raise _Broken(_reason(error, self._timeout)) from error

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        """The answer to a request, after the redirects that are safe to follow."""
        for _ in range(MAX_REDIRECTS + 1):
            get = partial(self._session.get, url, headers=headers, stream=True)
            response = self._in_time(partial(get, timeout=self._timeout))
            if not response.is_redirect:
                return response
            response.close()
            url = redirect_target(url, response.headers["Location"])
        raise _Failure(f"redirects more than {MAX_REDIRECTS} times")


def _reason(error: Exception, timeout: float) -> str:
    """A short form of what the network libraries say in several lines."""
    if isinstance(error, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)):
        return f"no answer within {timeout:g} seconds"
    if isinstance(error, OSError) and (fault := certificates_fault()):
        return fault
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection (is its certificate valid?)"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection broke"
    return error_words(error)
