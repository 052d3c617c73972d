"""Kill the program at random moments, again and again: nothing of the user's may be lost.

    python tests/robustness/killing.py [SCENE …] --kills 200 --seed 1

In each scene the program's own code works in a process that is ended with SIGKILL. After each kill
every file is looked at: it must be the old one or the new one, whole, with nothing beside it but
temporary files; and the next process must go on from there by itself and clear those away.

Most processes are forked from this one, which has everything imported and no thread running; every
tenth training is an interpreter of its own. The moment is drawn from the time in which there is
something to disturb: it counts from the line that says that the work has begun, and goes on as long
as an undisturbed process was seen to work; every second kill waits for a temporary file to appear
first. "in a write" counts the kills that left such a file, or half a line, behind.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import itertools
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy comes: a process with threads forks ill

import numpy as np

from app.drawing.canvas import Canvas
from app.drawing.drawings import load_drawing, save_drawing
from app.drawing.strokes import read_strokes
from app.my_digits.profile import DIGITS_FILE, Profile
from app.my_digits.tuner import BackgroundTuner
from nn import train
from nn.data.download import download_mnist
from nn.data.mnist_files import MnistFile
from nn.inference.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from nn.inference.classifier import load_classifier
from nn.network.architectures import NAMED, build
from nn.support.commands import run
from nn.support.files import TEMPORARY
from nn.training.finetuning import Amounts, load_tuned
from nn.training.resume import load_state
from tests.helpers.data_files import made_up_digits, write_idx
from tests.helpers.misbehaving_server import Handler, Server
from tests.helpers.paths import ROOT

PATIENCE = 60.0  # seconds without a word, after which a process counts as hanging
AMOUNTS = Amounts(
    rehearsed=60, rehearsed_synthetic=60, guarded=40, variations=2, steps=4, batch=16, own_batch=4
)
LINES = [[(8.0, 5.0), (20.0, 5.0), (12.0, 24.0)]], [[(14.0, 4.0), (14.0, 24.0)]]


@dataclass
class Tally:
    """What came of a scene's kills; `failures` says what was wrong after which."""

    scene: str
    wanted: int
    kills: int = 0
    in_a_write: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether there is more to kill."""
        return self.kills < self.wanted and len(self.failures) < 5

    @contextlib.contextmanager
    def judging(self) -> Iterator[None]:
        """Within the block, whatever is wrong becomes a failure of the last kill."""
        try:
            yield
        except Exception:
            self.failures.append(f"after kill {self.kills}: {traceback.format_exc()}")

    def count(self, folder: Path, before: set[Path]) -> None:
        """One more kill, after which there are these temporary files besides those `before`."""
        self.kills += 1
        self.in_a_write += bool(parts(folder) - before)


# --- Processes ---------------------------------------------------------------------------------


class Process:
    """A forked process that does `work`; what it says is read from it as it comes."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._said = b""
        self._pipe, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._pipe)
            _work_and_leave(work, writing)
        os.close(writing)

    @property
    def lines(self) -> list[str]:
        """What it has said so far in whole lines."""
        return self._said.decode().split("\n")[:-1]

    def wait_for(self, word: str) -> None:
        """Wait until it has said the word."""
        while not any(word in line for line in self.lines):
            if not self._hear(PATIENCE):
                raise RuntimeError(f"expected {word!r}, received {self._said.decode()!r}")

    def let_work(self, seconds: float) -> bool:
        """Let it work so long; returns whether it is still at it."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._hear(left) is False:
                return False
        return True

    def strike(self, rng: random.Random, seconds: float, folder: Path) -> bool:
        """Kill it at a random moment; returns False if it has ended by itself before that.

        Every second time that is any moment of so many seconds, else one just after a temporary
        file has appeared in the folder.
        """
        before, end = parts(folder), time.monotonic() + 5 * seconds
        if rng.random() < 0.5:
            is_working = self.let_work(rng.uniform(0, seconds))
        else:
            while (is_working := self._hear(0) is not False) and time.monotonic() < end:
                if parts(folder) - before:
                    is_working = self.let_work(rng.uniform(0, 0.001))
                    break
        if is_working:
            self.kill()
        else:
            self.end()
        return is_working

    def kill(self) -> None:
        """End it at once, and hear its last words."""
        os.kill(self._pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Wait for its end; raises `RuntimeError` if that was neither good nor a kill."""
        while heard := self._hear(PATIENCE):
            pass
        if heard is None:
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._pipe)
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        if heard is None or status not in (0, -signal.SIGKILL):
            raise RuntimeError(f"status {status}, having said {self._said.decode()!r}")

    def _hear(self, seconds: float) -> bool | None:
        """Take in what it says; False if it has gone, None if it said nothing for so long."""
        if not select.select([self._pipe], [], [], seconds)[0]:
            return None
        said = os.read(self._pipe, 1 << 16)
        self._said += said
        return bool(said)


def _work_and_leave(work: Callable[[], object], writing: int) -> NoReturn:
    status = 1
    try:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        work()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    os._exit(status)


def undisturbed(work: Callable[[], object], ready: str = "") -> float:
    """Let a process do its work; returns how long it took, from the word `ready` on."""
    process = Process(work)
    if ready:
        process.wait_for(ready)
    began = time.perf_counter()
    process.end()
    return time.perf_counter() - began


def parts(folder: Path) -> set[Path]:
    """The temporary files in a folder."""
    return set(folder.glob(f"{TEMPORARY}*.part"))


def others(folder: Path) -> set[str]:
    """The names of all other files in it."""
    return {path.name for path in set(folder.iterdir()) - parts(folder)}


# --- The scenes --------------------------------------------------------------------------------


def training(folder: Path, tally: Tally, rng: random.Random) -> None:
    """`python -m nn.train` over an older network, killed, and `--resume` after it."""
    data, place, copy = (folder / name for name in ("data", "place", "copy"))
    data.mkdir()
    for part, count in (("train", 600), ("t10k", 100)):
        images, labels = made_up_digits(count, count)
        write_idx(data / f"{part}-images-idx3-ubyte", images)
        write_idx(data / f"{part}-labels-idx1-ubyte", labels)

    def arguments(where: Path, seed: int = 1) -> list[str]:
        common = ["--data-dir", str(data), "--epochs", "6"]
        if (where / "net.training.npz").exists():
            return [*common, "--resume", str(where / "net.npz")]
        return [*common, "--model", "linear", "--seed", str(seed), "--output", f"{where}/net.npz"]

    def in_this_interpreter(words: list[str]) -> Callable[[], object]:
        return lambda: run(lambda _: train.main(words), "nn.train")

    def in_its_own(words: list[str]) -> Callable[[], object]:
        command = [sys.executable, "-u", "-m", "nn.train", *words]
        return lambda: os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})

    ready = "digits to learn from"
    undisturbed(in_this_interpreter(arguments(folder, seed=2)))
    old = (folder / "net.npz").read_bytes()
    (folder / "net.training.npz").unlink()
    seconds = undisturbed(in_this_interpreter(arguments(folder)), ready)
    expected = load_checkpoint(folder / "net.npz").model.parameters.tobytes()

    def is_whole(path: Path) -> bool:
        new = path.read_bytes()
        return new == old or load_checkpoint(path).model.parameters.tobytes() == expected

    def finish(where: Path) -> None:
        undisturbed(in_this_interpreter(arguments(where)))
        assert others(where) == {"net.npz", "net.training.npz"}
        assert not parts(where)
        assert load_checkpoint(where / "net.npz").model.parameters.tobytes() == expected

    while tally.goes_on:
        if not place.exists():
            place.mkdir()
            (place / "net.npz").write_bytes(old)
        before = parts(place)
        start = in_its_own if tally.kills % 10 == 9 else in_this_interpreter
        process = Process(start(arguments(place)))
        process.wait_for(ready)
        if process.strike(rng, seconds, place):
            tally.count(place, before)
        with tally.judging():
            assert others(place) <= {"net.npz", "net.training.npz"}
            assert is_whole(place / "net.npz")
            if (place / "net.training.npz").exists():
                load_state(place / "net.npz")
            shutil.copytree(place, copy)
            finish(copy)
        shutil.rmtree(copy, ignore_errors=True)
        # Else the training that goes on is killed as well, unless it has come to its end.
        if rng.random() < 0.5 or (place / "net.npz").read_bytes() != old:
            shutil.rmtree(place)


def saving(folder: Path, tally: Tally, rng: random.Random) -> None:
    """Two processes that save a network under one name, and drawings, as fast as they can."""
    place, samples = folder / "place", folder / "samples"
    networks, canvases = [], [Canvas(), Canvas()]
    known: dict[str, set[bytes]] = {".npz": set(), ".png": set(), ".jsonl": set()}
    for number, canvas in enumerate(canvases):
        model = build(NAMED["linear"], np.random.default_rng(number))
        networks.append(Checkpoint("linear", NAMED["linear"], model, {}))
        canvas.draw_strokes(LINES[number])
        save_checkpoint(samples / "net.npz", networks[-1])
        for path in (samples / "net.npz", *save_drawing(canvas, samples, number)):
            known[path.suffix].add(path.read_bytes())

    def save(rounds: int) -> None:
        print("ready")
        for number in range(rounds):
            save_checkpoint(place / "net.npz", networks[number % 2])
            print(*save_drawing(canvases[number % 2], place, number % 2), sep="\n")

    seconds = undisturbed(lambda: save(5), "ready")
    while tally.goes_on:
        before = parts(place)
        processes = [Process(lambda: save(10_000)) for _ in range(2)]
        for process in processes:
            process.wait_for("ready")
        for process in processes:
            process.strike(rng, seconds, place)
            tally.count(place, before)
            before |= parts(place)
        promised = [line for process in processes for line in process.lines if line != "ready"]
        with tally.judging():
            assert len(set(promised)) == len(promised)  # none took the other's name
            found = {path for path in place.iterdir() if path not in parts(place)}
            assert {Path(line) for line in promised} <= found
            for path in found:
                assert path.read_bytes() in known[path.suffix], path
                if path.suffix == ".jsonl":
                    load_drawing(path, Canvas())
            # Of a pair each process may have owed one half yet.
            pictures = {path for path in found if path.suffix == ".png"}
            strokes = {path.with_suffix(".png") for path in found if path.suffix == ".jsonl"}
            assert strokes <= pictures
            assert len(pictures - strokes) <= 2
            undisturbed(lambda: save(1))
            assert not parts(place)
        for path in place.glob("2*"):
            path.unlink()


def downloading(folder: Path, tally: Tally, rng: random.Random) -> None:
    """`nn.data.download` from a server on this computer that takes its time."""
    place = folder / "place"
    files, packed = [], {}
    for number in range(3):
        body = np.random.default_rng(number).integers(0, 9, 200_000 - 60_000 * number, np.uint8)
        content = body.tobytes()
        name = f"part-{number}"
        files.append(MnistFile(name, len(content), hashlib.sha256(content).hexdigest()))
        packed[f"{name}.gz"] = gzip.compress(content, mtime=0)

    def slowly(handler: Handler, body: bytes) -> None:
        rest = handler.begin_part(body)
        for start in range(0, len(rest), 8192):
            handler.wfile.write(rest[start : start + 8192])
            time.sleep(0.001)

    def serve() -> None:
        with Server(packed, itertools.repeat(slowly)) as server:
            print(server.mirror)
            signal.pause()

    server = Process(serve)
    server.wait_for("http")
    mirror = server.lines[0]

    def download() -> None:
        download_mnist(place, [mirror], files, timeout=20)

    try:
        seconds = undisturbed(download, "downloading it")
        shutil.rmtree(place)
        while tally.goes_on:
            before = parts(place)
            process = Process(download)
            process.wait_for("downloading it")
            if process.strike(rng, seconds, place):
                tally.count(place, before)
            with tally.judging():
                for name in others(place):
                    assert (place / name).read_bytes() == packed[name]
                if rng.random() < 0.3 and others(place) < packed.keys():
                    continue  # and kill the one that goes on
                undisturbed(download)
                assert others(place) == packed.keys()
                assert not parts(place)
            shutil.rmtree(place)
    finally:
        server.kill()


def adding(folder: Path, tally: Tally, rng: random.Random) -> None:
    """Corrections that are kept in a profile; their strokes are long, so that many are cut."""
    stroke = [(i % 28 + 0.123, i // 28 % 28 + 0.456) for i in range(1000)]

    def add(profile: Profile, count: int) -> None:
        print("ready")
        for number in range(1, count + 1):
            own = profile.add(number % 10, [stroke])
            print(own.key)
            if number % 3 == 0:
                profile.relabel(own.key, 9)

    seconds = undisturbed(lambda: add(Profile(folder / "measured"), 9), "ready")
    for number in itertools.count():
        profile = Profile(folder / f"profile {number}")
        profile.folder.mkdir()
        promised: list[str] = []
        for _ in range(5):  # all in the same profile
            if not tally.goes_on:
                return
            before = parts(profile.folder)
            process = Process(lambda profile=profile: add(profile, 10_000))
            process.wait_for("ready")
            process.strike(rng, seconds, profile.folder)
            tally.count(profile.folder, before)
            with tally.judging():
                promised += [line for line in process.lines if line != "ready"]
                rejected = len(_read(profile.rejected_path))
                digits = profile.load()
                tally.in_a_write += bool(digits.notices)
                assert len(digits.notices) <= 1
                assert bool(digits.notices) == (len(_read(profile.rejected_path)) > rejected)
                kept = [own.key for own in digits.digits]
                assert set(promised) <= set(kept)
                assert len(kept) == len(set(kept))
                if kept:
                    again = [digit.label for digit in read_strokes(profile.path)]
                    assert again == [own.digit.label for own in digits.digits]
                assert others(profile.folder) <= {DIGITS_FILE, profile.rejected_path.name, "lock"}
        with tally.judging():
            profile.relabel(profile.add(1, LINES[0]).key, 7)
            assert not parts(profile.folder)
        shutil.rmtree(profile.folder)


def teaching(folder: Path, tally: Tally, rng: random.Random) -> None:
    """Corrections and the learning from them, as the window does both."""
    shipped = load_classifier("mlp")

    def teach(profile: Profile, rounds: int) -> None:
        tuner = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
        tuner.load()
        print("ready")
        for _ in range(rounds):
            # A digit that is misread, and learned however often it is kept.
            print(profile.add(7, [[(16.0, 5.0), (20.0, 5.0), (12.0, 24.0)]]).key)
            tuner._taught = "others"  # as if one had been deleted: each round learns them anew
            tuner.start()
            while (result := tuner.poll()) is None:
                time.sleep(0.001)
            assert result.outcome is not None, result.message
            print("lesson", "learned" if result.learned else "tried")

    seconds = undisturbed(lambda: teach(Profile(folder / "measured"), 3), "ready")
    for number in itertools.count():
        profile = Profile(folder / f"profile {number}")
        profile.folder.mkdir()
        path = profile.tuned_path("mlp")
        promised: list[str] = []
        learned = False
        for _ in range(4):
            if not tally.goes_on:
                return
            before = parts(profile.folder)
            process = Process(lambda profile=profile: teach(profile, 10_000))
            process.wait_for("ready")
            process.strike(rng, seconds, profile.folder)
            tally.count(profile.folder, before)
            with tally.judging():
                said = [line for line in process.lines if line != "ready"]
                learned |= "lesson learned" in said
                promised += [line for line in said if not line.startswith("lesson")]
                assert set(promised) <= {own.key for own in profile.load().digits}
                tuner = BackgroundTuner(profile, shipped, 0, Path("nowhere"), 1, AMOUNTS)
                notices = tuner.load()  # of a broken last line, but no damaged weights
                assert all("digits.jsonl" in notice for notice in notices), notices
                assert path.exists() or not learned
                if path.exists():
                    load_tuned(path, shipped)
        with tally.judging():
            undisturbed(lambda profile=profile: teach(profile, 1))
            assert not parts(profile.folder) or not path.exists()
        shutil.rmtree(profile.folder)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


SCENES = {scene.__name__: scene for scene in (training, saving, downloading, adding, teaching)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"some of {', '.join(SCENES)}")
    parser.add_argument("--kills", type=int, default=200, help="in each scene (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="for the moments (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if unknown := set(options.scenes) - SCENES.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected some of {', '.join(SCENES)}")
    results: list[dict[str, Any]] = []
    for name in options.scenes or SCENES:
        tally = Tally(name, options.kills)
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="digitpad-killing-") as folder, tally.judging():
            SCENES[name](Path(folder), tally, random.Random(f"{options.seed} {name}"))
        seconds = time.perf_counter() - began
        results.append(
            {
                "scene": name,
                "kills": tally.kills,
                "in_a_write": tally.in_a_write,
                "seconds": round(seconds, 1),
                "failures": tally.failures,
            }
        )
        if not options.json:
            print(
                f"{name:<12} {tally.kills:>4} kills, {tally.in_a_write:>3} in a write, "
                f"{seconds:.1f} s, {len(tally.failures)} failures",
                flush=True,
            )
            print(*tally.failures, sep="\n", end="" if not tally.failures else "\n", flush=True)
    if options.json:
        print(json.dumps({"scenes": results}))
    return any(result["failures"] for result in results)


if __name__ == "__main__":
    sys.exit(main())
