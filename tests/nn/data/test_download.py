from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from nn.data import dataset, download
from nn.data.download import (
    MIRRORS,
    PackedCheck,
    body_start,
    download_mnist,
    redirect_target,
)
from nn.data.idx import read_idx
from nn.data.mnist_files import FILES, MnistFile
from nn.support.errors import DataError
from tests.helpers import misbehaving_server as faults
from tests.helpers.misbehaving_server import Server, dead_mirror
from tests.helpers.paths import ROOT


def fake_idx(name: str, count: int, seed: int) -> tuple[MnistFile, bytes]:
    """A file of labels with its description, and its packed form (some 40 % of `count`)."""
    labels = np.random.default_rng(seed).integers(0, 10, count, np.uint8)
    unpacked = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big") + labels.tobytes()
    file = MnistFile(name, len(unpacked), hashlib.sha256(unpacked).hexdigest())
    return file, gzip.compress(unpacked, mtime=0)


FILE, PACKED = fake_idx("digits", 400_000, 1)
OTHER, OTHER_PACKED = fake_idx("others", 1_000, 2)
BOTH = {"digits.gz": PACKED, "others.gz": OTHER_PACKED}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def fetch(folder: Path, *mirrors: str | Server, timeout: float = 5.0) -> None:
    """Download `FILE` and check that it is the only thing there afterwards."""
    urls = [mirror.mirror if isinstance(mirror, Server) else mirror for mirror in mirrors]
    assert download_mnist(folder, urls, [FILE], timeout, pause=0.01) == folder
    assert [path.name for path in folder.iterdir()] == ["digits.gz"]
    assert gzip.decompress((folder / "digits.gz").read_bytes()) == gzip.decompress(PACKED)


def refused(folder: Path, *mirrors: str | Server, timeout: float = 5.0) -> str:
    """The message of a download that must fail, and leave nothing behind."""
    urls = [mirror.mirror if isinstance(mirror, Server) else mirror for mirror in mirrors]
    with pytest.raises(DataError) as caught:
        download_mnist(folder, urls, [FILE], timeout, pause=0.01)
    assert list(folder.iterdir()) == []
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- Mirrors that work -------------------------------------------------------------------------


def test_a_download_is_verified_stored_and_not_repeated(tmp_path, capsys):
    with Server(BOTH) as server:
        folder = tmp_path / "new" / "folder"
        for _ in range(2):
            download_mnist(folder, [server.mirror], [FILE, OTHER])
        assert server.requests == [("digits.gz", None), ("others.gz", None)]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == BOTH
    assert read_idx(folder / "others.gz").shape == (1000,)
    out, err = capsys.readouterr()
    assert out == ""
    assert "digits.gz is not there yet; downloading it" in err
    # Without a server: what is stored is enough.
    download_mnist(folder, [dead_mirror()], [FILE, OTHER])


@pytest.mark.parametrize(
    "behaviour", [faults.without_length, faults.labelled_as_encoded, faults.without_ranges]
)
def test_honest_servers_of_other_kinds(tmp_path, behaviour):
    with Server(BOTH, [behaviour]) as server:
        fetch(tmp_path, server)
        assert len(server.requests) == 1


def test_other_packed_bytes_of_the_same_file_are_welcome(tmp_path):
    with Server({"digits.gz": gzip.compress(gzip.decompress(PACKED), 1)}) as server:
        fetch(tmp_path, server)


def test_a_redirect_is_followed(tmp_path):
    with Server(BOTH, [faults.redirect("/elsewhere/digits.gz")]) as server:
        fetch(tmp_path, server)
        assert len(server.requests) == 2


def test_a_redirect_with_an_endless_body_is_followed(tmp_path):
    """`requests` would read that body to its end first."""
    with Server(BOTH, [faults.redirect("/digits.gz", endless=True)]) as server:
        fetch(tmp_path, server)


def test_nothing_is_written_outside_the_folder_whatever_the_server_calls_it(tmp_path):
    def renamed(handler, body):
        name = "attachment; filename=../../outside.gz"
        handler.begin(200, Content_Length=len(body), Content_Disposition=name)
        handler.wfile.write(body)

    with Server(BOTH, [faults.redirect("/..%2f../%2e%2e/digits.gz"), renamed]) as server:
        fetch(tmp_path / "a" / "b", server)
        assert len(server.requests) == 2
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["digits.gz"]


def test_redirects_in_a_circle_end(tmp_path):
    with Server(BOTH, [faults.redirect("digits.gz")] * 20) as server:
        assert "redirects more than 5 times" in refused(tmp_path, server)


# --- Mirrors that do not, and another that does ------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.error_page, "expected gzip data, received b'<!DOCTYPE html><'…"),
        (faults.instead(b""), "ends early, after 0 bytes"),
        (faults.instead(OTHER_PACKED), f"expected SHA-256 {FILE.sha256[:16]}…, received"),
        (faults.instead(PACKED + b"more"), "goes on after the end of its gzip data"),
        (faults.instead(PACKED[:5000] + bytes(5000) + PACKED[10000:]), "damaged gzip data"),
        (faults.instead(gzip.compress(bytes(10_000_000))), "unpacks to more than the expected"),
        (faults.instead(bytes(1_000_000)), "has 1000000 bytes packed, more than all 400008"),
        (faults.endless, "unpacks to more than the expected 400008 bytes"),
        (faults.status(404), "answers with status 404"),
        (faults.status(500), "answers with status 500"),
        (faults.status(206), "answers with status 206"),
        (faults.redirect("ftp://127.0.0.1/x"), "redirects from http to ftp, which is not safe"),
        (faults.redirect("http://[x/"), "redirects to 'http://[x/', which is no address"),
        (faults.redirect("http://*.example/"), "InvalidURL: "),
        (faults.hanging(-1), "no answer within 0.5 seconds"),
        (faults.hanging(0), "no answer within 0.5 seconds"),
        (faults.dripping, "gives less than 1024 bytes a second"),
        (faults.reset(0), "the connection broke"),
        (faults.truncated(10_000), "the connection broke"),
        (faults.truncated(1, announce=False), "ends early, after 4 bytes"),
    ],
)
def test_the_next_mirror_helps(tmp_path, fault, reason):
    timeout = 0.5 if "second" in reason else 5.0
    with Server(BOTH, [fault] * 4) as bad:
        message = refused(tmp_path, bad, timeout=timeout)
        assert f"127.0.0.1:{bad.server_port}: " in message
        assert reason in message
    with Server(BOTH, [fault] * 4) as bad, Server(BOTH) as good:
        fetch(tmp_path, bad, good, timeout=timeout)


OK = b"HTTP/1.1 200 OK\r\n"


# urllib3 leaves the socket of some to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "fault",
    [
        faults.raw(OK + b"X: ", b"x", 0.05),
        faults.raw(OK, b"X: y\r\n", 0.05),
        faults.raw(b"", b"H", 0.05),
        faults.raw(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        faults.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x", 0.05),
        faults.in_chunks(b"5;", b"x"),
        faults.in_chunks(b"0\r\n", b"X: y\r\n"),
        faults.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"f" * 5000),
        faults.raw(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", b""),
        faults.raw(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b""),
        faults.raw(OK + b"Content-Length: -5\r\n\r\n", b""),
        faults.raw(OK + b"Content-Length: 3, 4\r\n\r\n", b""),
        faults.raw(OK, b"X: y\r\n"),
        faults.raw(OK, b"x" * 1000),
        faults.raw(b"HTTP/1.1 999999 \xff\r\n\r\n", b""),
        faults.raw(b"\0" * 100, b""),
        faults.raw(b"HTTP/1.1 302 Found\r\nLocation: http://\xff\0\r\n\r\n", b""),
        faults.raw(b"HTTP/1.1 302 Found\r\nLocation: //[::1\r\n\r\n", b""),
        faults.raw(b"HTTP/1.1 302 Found\r\nLocation: http://x:99999/\r\n\r\n", b""),
        faults.raw(b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 300 + b"/\r\n\r\n", b""),
    ],
)
def test_a_hostile_mirror_holds_nothing_up(tmp_path, fault):
    with Server(BOTH, [fault] * 4) as bad, Server(BOTH) as good:
        begun = time.monotonic()
        fetch(tmp_path, bad, good, timeout=0.5)
        assert time.monotonic() - begun < 4
    deadline = time.monotonic() + 5
    while any(
        thread.name == "task" for thread in threading.enumerate()
    ):  # nobody goes on reading what was given up
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["missing", "empty", "no certificates"])
def test_a_broken_file_of_certificates_is_named(tmp_path, monkeypatch, kind):
    path = tmp_path / "certificates.pem"
    if kind != "missing":
        path.write_text("" if kind == "empty" else "not one")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    folder = tmp_path / "folder"
    folder.mkdir()
    message = refused(folder, "https://127.0.0.1:9/mnist/")
    assert f"REQUESTS_CA_BUNDLE={path} names no file of certificates" in message
    assert "free some space" not in message


def test_a_server_without_a_certificate(tmp_path):
    with Server(BOTH) as server:
        secure = server.mirror.replace("http:", "https:")
        assert "no secure connection (is its certificate valid?)" in refused(tmp_path, secure)


def test_a_dead_mirror_is_asked_once_only(tmp_path):
    dead = dead_mirror()
    with Server(BOTH) as good:
        fetch(tmp_path, dead, good)
    with Server(BOTH, [faults.status(404)]) as bad, Server(BOTH) as good:
        download_mnist(tmp_path / "both", [bad.mirror, good.mirror], [FILE, OTHER])
        assert len(bad.requests) == 1  # the second file begins with the mirror that worked


def test_no_network_at_all_says_what_to_do_by_hand(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    with pytest.raises(DataError) as caught:
        download_mnist(folder, [dead_mirror(), dead_mirror()])
    message = str(caught.value)
    assert message.count("no connection") == 2
    assert "cannot download train-images-idx3-ubyte.gz" in message
    by_hand = message.partition("or put ")[2]
    for name in dataset.IDX_FILES:
        assert f"{name}.gz" in by_hand
    assert by_hand.endswith(f"by hand into {folder} or a folder named with --data-dir")
    assert "\n" not in message
    assert list(folder.iterdir()) == []


# --- Broken off, and resumed -------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        faults.reset(50_000),
        faults.truncated(50_000),
        faults.truncated(50_000, announce=False),
        faults.hanging(50_000),
    ],
)
def test_a_broken_download_goes_on_where_it_ended(tmp_path, fault):
    with Server(BOTH, [fault, fault]) as server:
        fetch(tmp_path, server, timeout=1.0)
        assert [asked for _, asked in server.requests] == [None, "bytes=50000-", "bytes=100000-"]


def test_a_server_that_ignores_ranges_begins_anew(tmp_path):
    with Server(BOTH, [faults.reset(50_000), faults.without_ranges]) as server:
        fetch(tmp_path, server)
        assert [asked for _, asked in server.requests] == [None, "bytes=50000-"]


def test_nothing_of_a_longer_wrong_file_is_left_behind(tmp_path):
    wrong = gzip.compress(gzip.decompress(PACKED)[::-1], 0)
    assert len(wrong) > len(PACKED)
    with Server(BOTH, [faults.instead(wrong)]) as bad, Server(BOTH) as good:
        fetch(tmp_path, bad, good)
    assert (tmp_path / "digits.gz").read_bytes() == PACKED


def test_a_server_that_fails_for_a_moment_is_asked_again(tmp_path):
    with Server(BOTH, [faults.status(503), faults.status(429)]) as server:
        fetch(tmp_path, server)
        assert len(server.requests) == 3


def test_a_range_that_does_not_fit_is_noticed(tmp_path):
    """The first part of one file and the rest of another are not the file."""
    other = gzip.compress(gzip.decompress(PACKED)[::-1], mtime=0)
    mixed = [faults.reset(50_000), lambda handler, body: faults.well(handler, other)]
    with Server(BOTH, mixed) as server, Server(BOTH) as good:
        fetch(tmp_path, server, good)
        assert len(good.requests) == 1


# --- What is stored ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"<html>", PACKED[:-1], PACKED[:-9] + b"x" + PACKED[-8:], OTHER_PACKED]
)
def test_a_damaged_stored_file_is_named_and_fetched_again(tmp_path, capsys, content):
    (tmp_path / "digits.gz").write_bytes(content)
    with Server(BOTH) as server:
        fetch(tmp_path, server)
    assert f"{tmp_path / 'digits.gz'} is damaged (" in capsys.readouterr().err


def test_a_damaged_stored_file_stays_if_there_is_no_network(tmp_path):
    (tmp_path / "digits.gz").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"cannot download digits\.gz"):
        download_mnist(tmp_path, [dead_mirror()], [FILE])
    assert (tmp_path / "digits.gz").read_bytes() == b"damaged"


def cannot_write(folder: Path) -> str:
    with Server(BOTH) as server, pytest.raises(DataError) as caught:
        download_mnist(folder, [server.mirror], [FILE])
    message = str(caught.value)
    assert message.startswith(f"cannot read or write {folder / 'digits.gz'}: ")
    assert "or name one that holds the files with --data-dir" in message
    return message


def test_a_full_disk(mount):
    folder = mount("size=64k")
    assert "No space left on device; free some space" in cannot_write(folder)
    assert list(folder.iterdir()) == []


def test_a_disk_that_is_full_at_the_last_moment(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("nn.support.files.os.fsync", full)
    assert os.strerror(errno.ENOSPC) in cannot_write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder(mount):
    folder = mount("ro")
    assert "Read-only file system; free some space or make the folder" in cannot_write(folder)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "Not a directory" in cannot_write(tmp_path / "file" / "cache")


# --- Other processes ---------------------------------------------------------------------------

DOWNLOAD = """
import json, sys
from pathlib import Path
from nn.data.download import download_mnist
from nn.data.mnist_files import MnistFile
folder, mirror, file = json.loads(sys.argv[1])
download_mnist(Path(folder), [mirror], [MnistFile(*file)])
"""


def start(folder: Path, server: Server) -> subprocess.Popen[bytes]:
    arguments = json.dumps([str(folder), server.mirror, FILE])
    command = [sys.executable, "-c", DOWNLOAD, arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def test_two_processes_at_once(tmp_path):
    meeting = faults.together(threading.Barrier(2))
    with Server(BOTH, [meeting, meeting]) as server:
        with start(tmp_path, server) as first, start(tmp_path, server) as second:
            assert [first.wait(300), second.wait(300)] == [0, 0]
        assert len(server.requests) == 2
        fetch(tmp_path, server)  # finds it whole
        assert len(server.requests) == 2


def test_an_interrupted_download_leaves_nothing(tmp_path):
    with Server(BOTH, [faults.hanging(50_000)]) as server, start(tmp_path, server) as process:
        assert server.hanging.wait(300)
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
    assert b"KeyboardInterrupt" in err  # which a command turns into status 130
    assert list(tmp_path.iterdir()) == []


# --- Decisions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a/x", "https://b/y", "https://b/y"),
        ("https://a/x", "/y", "https://a/y"),
        ("https://a/x", "//b/y", "https://b/y"),
        ("http://a/x", "https://b/y", "https://b/y"),
    ],
)
def test_safe_redirects(url, location, target):
    assert redirect_target(url, location) == target


@pytest.mark.parametrize("location", ["http://a/x", "HTTP://a/x", "file:///etc/passwd", "ftp://a"])
def test_redirects_from_https_stay_encrypted(location):
    with pytest.raises(Exception, match=r"redirects from https to .*, which is not safe"):
        redirect_target("https://a/x", location)


def test_where_a_body_begins():
    assert body_start(200, {}, 0, FILE) == 0
    assert body_start(200, {"Content-Length": "7"}, 5, FILE) == 0
    assert body_start(206, {"Content-Range": "bytes 5-11/12"}, 5, FILE) == 5
    with pytest.raises(Exception, match="status 206"):
        body_start(206, {"Content-Range": "bytes 0-11/12"}, 5, FILE)
    with pytest.raises(Exception, match="status 416"):
        body_start(416, {}, 5, FILE)
    with pytest.raises(Exception, match="has 1000005 bytes packed, more than all"):
        body_start(206, {"Content-Range": "bytes 5-", "Content-Length": "1000000"}, 5, FILE)


def feed(file: MnistFile, *pieces: bytes) -> PackedCheck:
    check = PackedCheck(file)
    for piece in pieces:
        check.feed(piece)
    return check


@pytest.mark.parametrize("step", [1, 7, 65536])
def test_the_check_takes_pieces_of_any_size(step):
    """Output that zlib holds back after its last input must be hashed too."""
    unpacked = bytes(200_000)
    file = MnistFile("zeros", len(unpacked), hashlib.sha256(unpacked).hexdigest())
    packed = gzip.compress(unpacked)
    check = feed(file, *(packed[at : at + step] for at in range(0, len(packed), step)))
    check.finish()
    assert check.received == len(packed)


@pytest.mark.parametrize("tail", [b"x", b"more" * 100, OTHER_PACKED])
def test_bytes_after_the_end_are_refused_wherever_the_pieces_meet(tail):
    """Where output fills a piece exactly, zlib offers such bytes as if it had yet to read them."""
    for size in (1000, download.CHUNK, 2 * download.CHUNK, 200_000):
        unpacked = np.random.default_rng(size).integers(0, 10, size, np.uint8).tobytes()
        file = MnistFile("digits", size, hashlib.sha256(unpacked).hexdigest())
        packed = gzip.compress(unpacked)
        for cut in {0, *range(len(packed) - 12, len(packed) + 1), len(packed) + len(tail)}:
            with pytest.raises(Exception, match="goes on after the end of its gzip data"):
                feed(file, (packed + tail)[:cut], (packed + tail)[cut:])


def test_a_wrong_sum_at_the_end_of_a_gzip_file_is_noticed():
    packed = bytearray(OTHER_PACKED)
    packed[-5] ^= 1
    assert zlib.crc32(gzip.decompress(OTHER_PACKED)) == int.from_bytes(
        OTHER_PACKED[-8:-4], "little"
    )
    with pytest.raises(Exception, match="damaged gzip data"):
        feed(OTHER, bytes(packed))


def test_the_mirrors_are_asked_by_https_alone():
    assert all(mirror.startswith("https://") for mirror in MIRRORS)


def test_the_true_files_are_described_rightly():
    sizes = {file.name: file.size for file in FILES}
    assert list(sizes) == list(dataset.IDX_FILES)
    assert sizes["train-images-idx3-ubyte"] == 16 + 60_000 * 784
    assert sizes["t10k-labels-idx1-ubyte"] == 8 + 10_000
    assert all(mirror.startswith("https://") for mirror in download.MIRRORS)
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in FILES)
