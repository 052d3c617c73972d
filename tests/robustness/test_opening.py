"""What stands in place of a file: pipes, devices, links, folders. By the commands and the window.

A file that the user names may be a pipe, which is read, or written into. What the program keeps for
itself is a regular file, or one line says that it is none; nothing ever waits for it.
"""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.drawing.strokes import read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile, ProfileError
from app.session.networks import NetworkList
from nn.inference.classifier import load_classifier
from nn.support.files import TEMPORARY, write_atomically, write_file
from nn.training.resume import load_state
from tests.helpers.commands import environment, is_one_line, kept_in
from tests.helpers.paths import EXAMPLES, ROOT
from tests.helpers.screens import screen_of

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")

pygame = pytest.importorskip("pygame")

LINES = [[(14.0, 4.0), (14.0, 24.0)]]
CASES = ROOT / "tests" / "cases"
AT_ONCE = 5.0  # seconds, on a machine that does other things too
only_as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root could replace a device"
)


def begin(words, folder, **options):
    """A command in an interpreter of its own, in a session that ends as a whole."""
    surroundings = environment(**kept_in(folder))
    command = [sys.executable, "-m", *map(str, words)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, cwd=folder, env=surroundings, text=True, **streams)


def perform(words, folder, **options):
    """Perform a command, and fail if it hangs."""
    process = begin(words, folder, **options)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, out, err


@pytest.fixture
def screens(monkeypatch, tmp_path):
    """A function that makes a screen with a profile; nothing is learned."""
    pygame.font.init()
    monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner.start", lambda tuner: None)
    network = load_classifier("linear")

    def make(profile):
        my_digits = MyDigits(profile, network, tmp_path)
        return screen_of(network, my_digits=my_digits, drawings=tmp_path / "drawings")

    return make


@pytest.fixture
def pipe(tmp_path):
    """A pipe with a name that nobody writes to."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")


# --- Named by the user -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "source"),
    [
        (["app.replay", "{}", "--model", "linear"], EXAMPLES),
        (
            ["nn.export", "--model", "{}", "--torch-state-dict", "x.pt"],
            ROOT / "models" / "linear.npz",
        ),
        (
            ["app.rejections", str(EXAMPLES), "--each", "1", "--refusal", "{}"],
            ROOT / "models" / "default.refusal.npz",
        ),
        (["app.predict", "{}", "--model", "linear"], CASES / "exif-orientation-6-of-4.png"),
        (
            ["nn.evaluate", "--model", "linear", "--images", "{}"],
            CASES / "csv-class-last-20-rows.csv",
        ),
    ],
)  # fmt: skip
def test_pipes_that_the_user_names_are_read(words, source, tmp_path):
    given = [word.replace("{}", "/dev/stdin") for word in words]
    read, write = os.pipe()
    with open(write, "wb") as end:
        feeder = threading.Thread(target=lambda: end.write(source.read_bytes()) and end.close())
        feeder.start()
        from_pipe = perform(given, tmp_path, stdin=read)
        feeder.join()
    os.close(read)
    from_file = perform([word.replace("{}", str(source)) for word in words], tmp_path)
    assert from_pipe[::2] == from_file[::2]
    assert from_pipe[0] == 0
    assert from_pipe[1].replace("/dev/stdin", str(source)) == from_file[1]


@pytest.mark.parametrize(
    "words",
    [
        ["app.replay", "/dev/zero"],
        ["app.predict", "/dev/zero"],
        ["app.draw", "--model", "/dev/zero", "--screenshot", "x.png"],
        ["app.draw", "--replay", "/dev/zero", "--screenshot", "x.png"],
        ["nn.evaluate", "--images", "/dev/zero"],
        ["nn.export", "--model", ".", "--onnx", "x.onnx"],
        ["app.predict", "."],
        ["app.replay", "."],
        ["nn.evaluate", "--images", "."],
        ["nn.train", "--resume", "/dev/zero"],
    ],
)
def test_devices_without_end_and_folders_get_one_line(words, tmp_path):
    assert is_one_line(perform(words, tmp_path), words[0]), words


def wait_until_it_rests(process, longest=4.0):
    """Until a process has begun and takes no more time of the processor, where that is told."""
    account, used = Path(f"/proc/{process.pid}/stat"), None
    end = time.monotonic() + longest
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.3)
        with contextlib.suppress(OSError):
            before, used = used, account.read_text().rsplit(")", 1)[1].split()[11:13]
            if used == before and sum(map(int, used)) > 10:
                return


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "words",
    [
        ["app.replay", "pipe"],
        ["app.predict", "pipe"],
        ["app.draw", "--replay", "pipe"],
        ["app.draw", "--model", "./pipe"],
        ["nn.evaluate", "--images", "pipe"],
    ],
)
def test_a_pipe_that_nobody_writes_to_can_be_left_at_once(words, ending, pipe):
    process = begin(words, pipe.parent)
    try:
        wait_until_it_rests(process)  # having come to the pipe
        process.send_signal(ending)
        _, err = process.communicate(timeout=AT_ONCE)
    finally:
        process.kill()
    if ending == signal.SIGINT:
        assert (process.returncode, err) == (130, "")
    else:
        assert process.returncode in (-ending, 1)


@pytest.mark.parametrize("kind", ["pipe", "standard output", "file as standard output"])
def test_results_are_written_into_pipes(kind, tmp_path, pipe):
    words = ["nn.evaluate", "--model", "linear", "--images",
             CASES / "csv-class-last-20-rows.csv", "--csv"]  # fmt: skip
    if kind == "pipe":
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
        reader.start()
        status, _, err = perform([*words, pipe], tmp_path)
        reader.join(10)
        written = read[0]
        assert stat.S_ISFIFO(pipe.stat().st_mode)
    elif kind == "standard output":
        status, written, err = perform([*words, "/dev/stdout", "--json"], tmp_path)
    else:
        with open(tmp_path / "out", "w") as out:
            status, _, err = perform([*words, "/dev/stdout"], tmp_path, stdout=out)
        written = (tmp_path / "out").read_text()
        assert written.rstrip().endswith("saved /dev/stdout: ImageId,Label of 20 images")
    assert status == 0, err
    assert "ImageId,Label\n1," in written


@only_as_root
@pytest.mark.parametrize(
    "words",
    [
        ["nn.evaluate", "--images", CASES / "csv-class-last-20-rows.csv", "--csv"],
        ["nn.export", "--torch-state-dict"],
        pytest.param(["nn.export", "--onnx"], marks=needs_onnx),
    ],
)
def test_a_device_is_written_into_and_stays_one(words, tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("no devices can be made here")
    (tmp_path / "link").symlink_to(device)
    for place in (device, tmp_path / "link"):
        status, _, err = perform([*words, place, "--model", "linear"], tmp_path)
        assert status == 0, err
        assert stat.S_ISCHR(device.stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"null", "link"}


def test_a_training_goes_into_a_pipe_and_leaves_nothing_beside_it(small_mnist, tmp_path, pipe):
    (tmp_path / "net.npz").symlink_to(pipe)
    with open(tmp_path / "read", "wb") as copy:
        reader = threading.Thread(target=lambda: copy.write(pipe.read_bytes()))
        reader.start()
        words = ["nn.train", "--model", "linear", "--epochs", 1, "--data-dir", small_mnist]
        status, _, err = perform([*words, "--output", tmp_path / "net.npz"], tmp_path)
        reader.join(10)
    assert status == 0, err
    assert load_classifier(tmp_path / "read").name == "linear"
    assert {path.name for path in tmp_path.iterdir()} >= {"pipe", "net.npz", "read"}
    assert not list(tmp_path.glob("*.training.npz"))


# --- What is replaced --------------------------------------------------------------------------


def test_links_modes_and_other_names_of_a_file_stay(tmp_path):
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "net.npz", tmp_path / "link.npz"
    write_file(file, lambda out: out.write(b"old"))
    file.chmod(0o600)
    link.symlink_to("real/net.npz")
    write_file(link, lambda out: out.write(b"new"))
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (tmp_path / "to come").symlink_to("real/later")
    write_atomically(tmp_path / "to come", lambda out: out.write(b"later"))
    assert (tmp_path / "real" / "later").read_bytes() == b"later"
    assert not list(tmp_path.rglob(f"{TEMPORARY}*"))


@pytest.mark.parametrize("change", ["relabel", "remove", "put", "bad line"])
def test_changes_of_the_users_digits_keep_link_and_mode_as_adding_does(change, tmp_path):
    profile = Profile(tmp_path / "someone")
    own, _ = profile.add(3, LINES), profile.add(5, LINES)
    kept = tmp_path / "elsewhere.jsonl"
    profile.path.rename(kept)
    kept.chmod(0o600)
    profile.path.symlink_to(kept)
    if change == "relabel":
        profile.relabel(own.key, 4)
    elif change == "remove":
        profile.remove(own.key)
    elif change == "put":
        profile.put(own, 0)
    else:
        with open(kept, "a") as file:
            file.write("nothing\n")
        assert profile.load().notices
    assert profile.path.is_symlink()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_bytes().count(b"\n") == (1 if change == "remove" else 2)


# --- The program's own files -------------------------------------------------------------------


def put(kind, path):
    """Something else in place of a file."""
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "circle": path.name}[kind])


KINDS = ["pipe", "device", "folder", "circle"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["digits.jsonl", "digits.jsonl.rejected", "lock", "linear.npz",
                                  "linear.settled"])  # fmt: skip
def test_a_profile_that_holds_something_else_than_files(name, kind, screens, tmp_path):
    """The window starts, a correction is kept or one line says why not, and nothing waits."""
    profile = Profile(tmp_path / "someone")
    profile.add(3, LINES)
    with open(profile.path, "a") as file:
        file.write("a bad line\n")
    put(kind, profile.folder / name)
    began = time.monotonic()
    screen = screens(profile)
    session = screen.session
    screen.show_my_digits()
    session.canvas.draw_strokes(LINES)
    session.predict_now()
    session.correct(7)
    said = session.message
    session.forget()
    session.close()
    assert time.monotonic() - began < AT_ONCE
    assert said
    if name in ("digits.jsonl", "lock"):
        assert "cannot " in said
        with pytest.raises(ProfileError):
            profile.relabel("x", 5)
    else:
        assert said.startswith("Kept as a 7") or "left where it is" in said, said
        assert [own.digit.label for own in profile.load().digits] == [3, 7]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_networks_with_something_else_in_it(kind, tmp_path):
    shutil.copy(ROOT / "models" / "tiny.npz", tmp_path / "z.npz")
    put(kind, tmp_path / "a.npz")
    networks = NetworkList(load_classifier("linear"), [lambda: tmp_path])
    while not networks.is_complete:
        networks.load_next()
    assert [entry.name for entry in networks.entries] == ["linear", "tiny"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_folder_with_anothers_temporary_name(kind, small_mnist, tmp_path):
    put(kind, tmp_path / f"{TEMPORARY}a.part")
    words = ["nn.train", "--model", "linear", "--epochs", 1, "--data-dir", small_mnist]
    status, _, err = perform([*words, "--output", tmp_path / "net.npz"], tmp_path)
    assert status == 0, err
    assert load_state(tmp_path / "net.npz").settings.model == "linear"
    assert {path.name for path in tmp_path.iterdir()} >= {f"{TEMPORARY}a.part", "net.npz"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_of_drawings_opens_nothing_else(kind, screens, tmp_path):
    screen = screens(Profile(tmp_path / "someone"))
    folder = screen.session.files.folder
    folder.mkdir(parents=True)
    for name in ("a.png", "b.jsonl", "c.npz"):
        put(kind, folder / name)
        screen.open_file(folder / name)
        assert "expected a file" in screen.session.message or kind == "circle"
        assert screen.session.message
    assert list(read_strokes(EXAMPLES))  # as before
