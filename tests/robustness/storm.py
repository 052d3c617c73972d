"""The window in a storm of random events, for as long as you like.

    python tests/robustness/storm.py --seconds 1800 --seed 1 [--rate 2000] [--data-dir DIR] [--keep
    FOLDER] python tests/robustness/storm.py --events 8000 --seed 1            off screen, a fixed
    number of events

Runs the real program, `app.draw` with its own loop, in a process of its own with an empty home,
and throws random events at it: mouse, wheel, touch, every key with every modifier, focus, resizes,
full screen, dropped files good and hostile, corrections with the tuning behind them, trainings,
lists, undo storms, a clock that leaps. With --seconds the window is a real one under Xvfb, a real
mouse and keyboard (xdotool) join in, and another process changes the profile meanwhile. From time
to time the program is ended, in all the ways there are, and started again on what it left.

What must hold, or the storm ends with status 1 and says what was wrong:

* nothing on standard error and a clean exit status, each time;
* the loop goes on: never silent for HANG_SECONDS;
* at rest (no training, no tuning, nothing open) the process holds no more files and threads than
  at its first rest, and in the last third of its life at most MOST_GROWTH MB more memory than in
  the second, the least that it held in each, besides what kept networks take;
* every correction that was confirmed is in the profile, every drawing said to be saved can be
  loaded, and nothing half-written lies about.

The last events are in FOLDER/events-*.jsonl; `--replay FILE...` throws them again, in that order.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from tests.helpers.paths import EXAMPLES, ROOT

SCREEN = (3840, 2160)
HANG_SECONDS = 60
REST_SECONDS = 120  # for a tuning under way to end, on a machine that has other things to do
MAX_GROWTH = 30  # MB from the second third of a life to the last
NETWORK = 15  # MB more for each network that was kept meanwhile, which has buffers of its own
MAX_DIGITS = 40  # in the profile; the other process takes the rest out
MAX_NETWORKS = 12  # on the shelf; each that is kept stays there by right, so no more are made
KEPT_EVENTS = 20_000  # in each of the two files of the last events
ENDS = ("escape", "QUIT", "WINDOWCLOSE", "SIGTERM", "SIGINT", "SIGHUP")


# The events: (name of the type or of an action, its attributes), by a seeded generator


class Weather:
    """Bursts of random events, the same for the same seed and the same sizes of the window."""

    def __init__(self, seed: int, files: list[str], without: list[str]) -> None:
        import pygame

        self.random = random.Random(seed)
        self.files = files
        self.pygame = pygame
        self.size = (960, 640)
        self.keys = sorted(
            {value for name, value in vars(pygame).items() if name.startswith("K_")}
            - {pygame.K_ESCAPE, pygame.K_k, pygame.K_t, pygame.K_F11, pygame.K_F12, pygame.K_s}
        )
        self.mods = sorted(v for name, v in vars(pygame).items() if name.startswith("KMOD_"))
        self.bursts = {
            self.stroke: 30, self.scribble: 6, self.motion: 25, self.buttons: 12, self.wheel: 4,
            self.fingers: 8, self.any_key: 30, self.typing: 6, self.focus: 4, self.strange: 5,
            self.sized: 3, self.drop: 3, self.correction: 4, self.training: 1.5, self.own: 3,
            self.listed: 1.5, self.undoing: 3, self.looking: 8, self.saving: 0.7, self.window: 1.0,
            self.clipboard: 0.7, self.leap: 0.7, self.blank: 6,
        }  # fmt: skip
        self.bursts = {b: often for b, often in self.bursts.items() if b.__name__ not in without}

    def burst(self) -> list[tuple[str, dict]]:
        """The next few events."""
        (chosen,) = self.random.choices([*self.bursts], [*self.bursts.values()])
        return list(chosen())

    def place(self):
        """A pixel: mostly on the window, often at its borders, sometimes far away."""
        r, (w, h) = self.random, self.size
        kind = r.random()
        if kind < 0.75:
            return r.randrange(max(1, w)), r.randrange(max(1, h))
        if kind < 0.9:
            return r.choice((-1, 0, 1, w - 1, w, w + 1)), r.choice((-1, 0, h // 2, h - 1, h))
        return r.randint(-32768, 32767), r.randint(-32768, 32767)

    def near(self, place):
        """A pixel a few further on."""
        return tuple(p + self.random.randint(-40, 40) for p in place)

    def press(self, key, mod=0, up=True):
        """A key goes down, and up."""
        scancode = self.random.choice((0, key & 0xFF, self.random.randrange(512)))
        yield "KEYDOWN", {"key": key, "mod": mod, "scancode": scancode, "unicode": ""}
        if up:
            yield "KEYUP", {"key": key, "mod": mod, "scancode": scancode}

    def letter(self, name, mod=0):
        """A letter goes down and up, as its own key."""
        key = getattr(self.pygame, f"K_{name}")
        yield "KEYDOWN", {"key": key, "mod": mod, "scancode": 0, "unicode": ""}
        yield "KEYUP", {"key": key, "mod": mod, "scancode": 0}

    def stroke(self, button=None, steps=None):
        r = self.random
        button = button or r.choice((1, 1, 1, 3))
        held = tuple(int(i == button) for i in (1, 2, 3))
        place = self.place()
        yield "MOUSEBUTTONDOWN", {"pos": place, "button": button, "touch": False}
        for _ in range(steps or r.randrange(40)):
            place = self.near(place)
            yield "MOUSEMOTION", {"pos": place, "rel": (0, 0), "buttons": held, "touch": False}
        if r.random() < 0.9:
            yield "MOUSEBUTTONUP", {"pos": place, "button": button, "touch": False}

    def scribble(self):
        """Strokes on the canvas, which lies on the left or at the top, that make a drawing."""
        r, (w, h) = self.random, self.size
        for _ in range(r.randint(1, 3)):
            place = (int(w * r.uniform(0.05, 0.45)), int(h * r.uniform(0.1, 0.45)))
            yield "MOUSEBUTTONDOWN", {"pos": place, "button": 1, "touch": False}
            for _ in range(r.randint(3, 15)):
                place = self.near(place)
                yield (
                    "MOUSEMOTION",
                    {"pos": place, "rel": (0, 0), "buttons": (1, 0, 0), "touch": False},
                )
            yield "MOUSEBUTTONUP", {"pos": place, "button": 1, "touch": False}

    def motion(self):
        r = self.random
        held = tuple(r.randrange(2) for _ in range(3)) if r.random() < 0.3 else (0, 0, 0)
        for _ in range(r.randrange(60)):
            yield "MOUSEMOTION", {"pos": self.place(), "rel": (1, 1), "buttons": held}

    def buttons(self):
        r = self.random
        for _ in range(r.randrange(8)):
            kind = r.choice(("MOUSEBUTTONDOWN", "MOUSEBUTTONUP"))
            yield kind, {"pos": self.place(), "button": r.randint(1, 9), "touch": r.random() < 0.1}

    def wheel(self):
        for _ in range(self.random.randrange(12)):
            x, y = (self.random.randint(-5, 5) for _ in range(2))
            yield "MOUSEWHEEL", {"x": x, "y": y, "flipped": False, "touch": False}

    def fingers(self):
        r = self.random
        for _ in range(r.randrange(25)):
            yield (
                r.choice(("FINGERDOWN", "FINGERMOTION", "FINGERMOTION", "FINGERUP")),
                {
                    "touch_id": r.randrange(2), "finger_id": r.randrange(4),
                    "x": r.uniform(-0.1, 1.1), "y": r.uniform(-0.1, 1.1), "dx": 0.0, "dy": 0.0,
                    "pressure": 1.0,
                },
            )  # fmt: skip

    def any_key(self):
        r = self.random
        mod = r.choice(self.mods) | r.choice((0, 0, r.choice(self.mods)))
        yield from self.press(r.choice(self.keys), r.choice((0, mod)), r.random() < 0.9)

    def typing(self):
        r = self.random
        for _ in range(r.randrange(10)):
            text = r.choice(("7", "é", "𝟟", "\x00", "\ud800", "x" * 40))
            yield r.choice(("TEXTINPUT", "TEXTEDITING")), {"text": text, "start": 0, "length": 1}

    def focus(self):
        yield (
            self.random.choice(
                ("WINDOWFOCUSLOST", "WINDOWFOCUSGAINED", "WINDOWENTER", "WINDOWLEAVE",
                 "WINDOWEXPOSED", "WINDOWMINIMIZED", "WINDOWRESTORED", "WINDOWSHOWN",
                 "WINDOWHIDDEN", "WINDOWMOVED", "VIDEOEXPOSE", "WINDOWTAKEFOCUS",
                 "WINDOWMAXIMIZED")
            ),
            {},
        )  # fmt: skip

    def strange(self):
        r, pygame = self.random, self.pygame
        names = (
            "ACTIVEEVENT", "JOYBUTTONDOWN", "JOYAXISMOTION", "MULTIGESTURE", "DROPTEXT",
            "DROPBEGIN", "DROPCOMPLETE", "CLIPBOARDUPDATE", "KEYMAPCHANGED", "SYSWMEVENT",
            "AUDIODEVICEADDED", "RENDER_TARGETS_RESET", "APP_LOWMEMORY", "APP_WILLENTERBACKGROUND",
        )  # fmt: skip
        if r.random() < 0.5:
            yield str(r.randrange(pygame.USEREVENT, 0xC000)), {"anything": "at all"}
        else:
            yield r.choice([name for name in names if hasattr(pygame, name)]), {"text": "7"}

    def sized(self):
        r = self.random
        sides = r.choice(((r.randint(1, 400), r.randint(1, 300)), (r.randint(240, 1600),
                         r.randint(240, 1200)), (r.randint(240, 1600), r.randint(240, 1200)),
                         (960, 640), (3840, 2160) if r.random() < 0.2 else (320, 480)))  # fmt: skip
        if r.random() < 0.7:
            yield "resize", {"size": sides}
        else:
            yield "WINDOWSIZECHANGED", {"x": sides[0], "y": sides[1]}

    def drop(self):
        yield "DROPFILE", {"file": self.random.choice(self.files)}

    def correction(self):
        r = self.random
        if r.random() < 0.7:
            yield from self.letter("r")
        yield from self.scribble()
        yield from self.letter(r.choice("0123456789"))
        if r.random() < 0.4:
            yield from self.letter("z", self.pygame.KMOD_CTRL)

    def training(self):
        """T and what follows it, much later as well."""
        r, pygame = self.random, self.pygame
        yield from self.letter(r.choice("ttttxxxxkbbdi"), r.choice((0, 0, pygame.KMOD_SHIFT)))
        for _ in range(r.randrange(4)):
            arrows = (pygame.K_LEFT, pygame.K_RIGHT, pygame.K_UP, pygame.K_DOWN)
            yield from self.press(r.choice(arrows))

    def own(self):
        r, pygame = self.random, self.pygame
        yield from self.letter("m")
        arrows = (pygame.K_LEFT, pygame.K_RIGHT, pygame.K_UP, pygame.K_DOWN)
        for _ in range(r.randrange(6)):
            yield from self.press(r.choice(arrows))
        for _ in range(r.randrange(3)):
            kind = r.random()
            if kind < 0.4:
                yield from self.letter(r.choice("0123456789"))
            elif kind < 0.6:
                yield from self.press(pygame.K_DELETE)
            elif kind < 0.65:
                yield from self.letter("f")
            elif kind < 0.7:
                yield from self.letter("z", pygame.KMOD_CTRL)
            elif kind < 0.8:
                yield from self.press(pygame.K_RETURN)
            else:
                yield from self.stroke(1, 1)
        if r.random() < 0.8:
            yield "leave", {}

    def listed(self):
        yield from self.letter("o")
        for _ in range(self.random.randrange(5)):
            yield from self.press(self.random.choice((self.pygame.K_UP, self.pygame.K_DOWN)))
        if self.random.random() < 0.7:
            yield from self.press(self.pygame.K_RETURN)
        yield "leave", {}

    def undoing(self):
        ctrl, shift = self.pygame.KMOD_CTRL, self.pygame.KMOD_SHIFT
        for _ in range(self.random.randrange(80)):
            yield from self.letter("z", ctrl | self.random.choice((0, 0, shift)))

    def looking(self):
        """The panels, the cards and the test digits."""
        pygame = self.pygame
        for _ in range(self.random.randrange(4)):
            yield from self.letter(self.random.choice("iwhlnn"))
            keys = (pygame.K_TAB, pygame.K_F6, pygame.K_RETURN, pygame.K_COMMA, pygame.K_PAGEUP)
            yield from self.press(self.random.choice(keys))
        yield "leave", {}

    def saving(self):
        yield from self.letter("s", self.random.choice((0, self.pygame.KMOD_CTRL)))

    def window(self):
        r = self.random
        kind = r.random()
        if kind < 0.4:
            yield from self.press(self.pygame.K_F11)
        elif kind < 0.7:
            yield from self.press(self.pygame.K_F12)
        else:
            yield "iconify", {}

    def clipboard(self):
        yield from self.letter(self.random.choice("cv"), self.pygame.KMOD_CTRL)

    def leap(self):
        """The computer slept, or it is another time of day."""
        r = self.random
        if r.random() < 0.5:
            yield "sleep", {"seconds": r.choice((0.5, 3, 60, 86400, 1e7))}
        else:
            yield "time zone", {"name": r.choice(("UTC", "UTC-14", "UTC+12", "Europe/Berlin"))}

    def blank(self):
        yield from self.letter("r")


def make_files(folder: Path) -> list[str]:
    """Files to drop on the window: good ones and bad ones. Returns their paths as text."""
    import pygame

    folder.mkdir()
    picture = pygame.Surface((60, 80))
    picture.fill("white")
    pygame.draw.line(picture, "black", (30, 10), (30, 70), 6)
    for name in ("one.png", "one.jpg", "one.bmp", "eins – ähnlich 𝟙.png", "%s {0}.png"):
        pygame.image.save(picture, str(folder / name))
    good = EXAMPLES.read_bytes()
    (folder / "strokes.jsonl").write_bytes(good)
    (folder / "STROKES.JSONL").write_bytes(good.splitlines()[4] + b"\n")
    for model in ("linear", "mlp", "tiny", "default.refusal"):
        (folder / f"{model}.npz").write_bytes((ROOT / "models" / f"{model}.npz").read_bytes())
    (folder / "half.npz").write_bytes((ROOT / "models" / "tiny.npz").read_bytes()[:9000])
    (folder / "half.png").write_bytes((folder / "one.png").read_bytes()[:150])
    bad = {
        "empty.png": b"", "empty.jsonl": b"", "empty.npz": b"", "text.png": b"no picture",
        "text.npz": b"PK\x03\x04 no archive", "nul.jsonl": b"\x00" * 5000, "no suffix": b"\xff\xfe",
        "deep.jsonl": b"[" * 100_000, "wrong.json": b'{"label": 77, "strokes": "no"}\n',
        "huge.jsonl": b'{"label": 1, "strokes": [[[1e308, -1e308]]]}\n',
        "nan.jsonl": b'{"label": 1, "strokes": [[[NaN, 2]]]}\n', "bad.gz": b"\x1f\x8b\x08 no",
        "marks.jsonl": b'{"label": 1, "strokes": [[[1, 2]]], "marks": [["draw", 1, [[1e999, 2]]]]}',
        "many.jsonl": json.dumps(
            {"label": 1, "strokes": [[[1, 2], [9, 9]]],
             "marks": [[("draw", "erase")[i % 2], 2, [[i % 28, 2], [9, i % 27]]]
                       for i in range(60)]}
        ).encode(),
    }  # fmt: skip
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    (folder / "a folder.png").mkdir()
    (folder / "a folder.npz").mkdir()
    (folder / "a folder.jsonl").mkdir()
    for end in ("png", "jsonl", "npz"):
        with contextlib.suppress(OSError, AttributeError):
            os.mkfifo(folder / f"a pipe.{end}")
    with contextlib.suppress(OSError):
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe latin \xe9.png")).write_bytes(b"x")
    found = [str(path) for path in sorted(folder.iterdir())]
    return [
        *found, str(folder / "missing.png"), str(folder / "missing.npz"), "", "\x00", "a\x00b.png",
        "/dev/zero", "/dev/null", "/proc/self/mem", "file:///etc/passwd", "x" * 5000, "line\nbreak",
        str(folder / "gone" / "strokes.jsonl"), ".", "/", "\ud800.jsonl", "~", "nul.npz\x00",
    ]  # fmt: skip


# In the program's own process


class Storm:
    """Throws the events at the session, between two looks of the loop for events."""

    def __init__(self, options: argparse.Namespace) -> None:
        import pygame

        self.pygame = pygame
        self.options = options
        self.folder = Path(options.inside)
        files = json.loads((self.folder / "files.json").read_text())
        self.weather = Weather(options.seed, files, options.without)
        self.random = random.Random(options.seed + 1)
        self.screen = self.session = None
        self.offset = 0.0
        self.thrown = self.frames = self.inspection_version = self.unseen = 0
        self.began = self.thrown_at = time.monotonic()
        self.slowest: list[tuple[float, str]] = []  # what kept the window longest, and how long
        self.waiting: list[tuple[str, dict]] = []
        self.phase, self.phase_began = "storm", self.began
        self.rests = 0
        self.logs = [(self.folder / f"events-{name}.jsonl").open("w") for name in "ab"]
        self.journal = os.open(self.folder / "journal.jsonl", os.O_WRONLY | os.O_APPEND)
        self.recorded = (
            map(json.loads, "".join(Path(name).read_text() for name in options.replay).splitlines())
            if options.replay
            else None
        )

    def clock(self) -> float:
        """The session's clock, which leaps where the computer slept."""
        return time.monotonic() + self.offset

    def note(self, **facts) -> None:
        """A line of the journal, whole and at once, whatever happens to the process next."""
        os.write(self.journal, json.dumps(facts).encode() + b"\n")

    @property
    def done(self) -> float:
        """How much of this life is over, 0…1."""
        if self.options.events:
            return self.thrown / self.options.events
        return (time.monotonic() - self.began) / self.options.seconds

    def before_looking(self) -> None:
        """What is thrown before the loop looks for events."""
        now = time.monotonic()
        self.inspection_version += 1
        self.beat(now)
        if self.phase == "storm":
            self.throw(now)
            if self.done >= 1 or self.done * self.options.rests >= self.rests + 1:
                self.phase, self.phase_began = "rest", now
        elif self.phase == "rest":
            self.come_to_rest(now)
        else:
            self.end()

    def time(self, seconds: float, what: str) -> None:
        """Remember what kept the window longest."""
        if seconds > 0.1 and self.phase == "storm":
            self.slowest = sorted([*self.slowest, (round(seconds, 3), what)], reverse=True)[:8]

    def beat(self, now: float) -> None:
        """Tell the outside that the loop goes on."""
        if self.inspection_version % 8 == 0:
            text = json.dumps({"thrown": self.thrown, "frames": self.frames, "at": now})
            (self.folder / "beat").write_text(text)

    def throw(self, now: float) -> None:
        if self.options.events:
            wanted = min(25, self.options.events - self.thrown)
        else:  # no more than a quarter of a second is made up for
            if now - self.thrown_at < 8 / self.options.rate:
                time.sleep(8 / self.options.rate)
                now = time.monotonic()
            wanted = min(int((now - self.thrown_at) * self.options.rate), self.options.rate // 4)
        self.thrown_at = now
        self.unseen = 0  # the loop has emptied the queue
        for _ in range(wanted):
            while not self.waiting:
                self.weather.size = self.screen.size
                self.waiting = self.next_burst()
            name, facts = self.waiting.pop(0)
            if self.post(name, facts):
                self.thrown += 1
                self.unseen += 1
                log = self.logs[self.thrown // KEPT_EVENTS % 2]
                if self.thrown % KEPT_EVENTS == 0:
                    log.seek(0)
                    log.truncate()
                log.write(json.dumps([name, facts]) + "\n")
        for log in self.logs:
            log.flush()

    def next_burst(self) -> list[tuple[str, dict]]:
        if self.recorded is None:
            return self.weather.burst()
        try:
            return [tuple(next(self.recorded))]
        except StopIteration:
            self.options.seconds = self.options.events = 1
            return [("VIDEOEXPOSE", {})]

    def post(self, name: str, facts: dict) -> bool:
        """Post an event or do something to the window; whether there was anything to do."""
        pygame, session = self.pygame, self.session
        if name == "leave":  # never out of the program by chance: that has its own time
            # Only where all that was thrown before has been handled: then this is how things are.
            if self.unseen or not self.is_anything_open():
                return False
            name, facts = "KEYDOWN", {"key": pygame.K_ESCAPE, "mod": 0, "scancode": 0}
        is_full = len(session.networks.entries) >= MAX_NETWORKS or self.done > 0.3
        if name == "KEYDOWN" and facts["key"] == pygame.K_k and is_full:
            return False
        if name == "resize":
            return self.resize(*facts["size"])
        if name == "iconify":
            return bool(pygame.display.iconify())
        if name == "sleep":
            self.offset += facts["seconds"]
        elif name == "time zone":
            os.environ["TZ"] = facts["name"]
            time.tzset()
        else:
            kind = int(name) if name.isdigit() else getattr(pygame, name)
            try:
                pygame.event.post(pygame.event.Event(kind, facts))
            except pygame.error:  # the queue is full: the loop is behind
                return False
        return True

    def is_anything_open(self) -> bool:
        """Whether Esc would close something, and not the program."""
        screen = self.screen
        is_held = screen.focus is not None or screen.pen.place is not None
        return screen.dialog is not None or is_held or screen.panel != "answer"

    def resize(self, width: int, height: int) -> bool:
        """What a window manager does; a real window's is xdotool, from outside."""
        pygame = self.pygame
        if pygame.display.get_driver() != "dummy":
            return False
        pygame.display.set_mode((width, height), pygame.RESIZABLE)
        size = {"x": width, "y": height}
        pygame.event.post(pygame.event.Event(pygame.WINDOWSIZECHANGED, size))
        return True

    def come_to_rest(self, now: float) -> None:
        """Close all that is open and wait until nothing works in the background; then count."""
        pygame, session = self.pygame, self.session
        pygame.event.post(pygame.event.Event(pygame.USEREVENT))  # else the loop would rest as well
        if now - self.phase_began > REST_SECONDS:
            raise AssertionError(f"never at rest: {self.screen.panel}, {session.my_digits.is_busy}")
        if session.course.training is not None and self.screen.dialog is None:
            self.screen.open_panel("training")  # elsewhere X throws nothing away
            self.tap(pygame.K_x)
        elif self.is_anything_open():
            self.tap(pygame.K_ESCAPE)
        elif not session.canvas.is_blank:
            self.tap(pygame.K_r)
        elif not (
            session.my_digits.is_busy or session.mnist.is_busy or not session.networks.is_complete
            or not session.my_digits.is_loaded
        ):  # fmt: skip
            self.count()
            self.rests += 1
            self.phase = "end" if self.done >= 1 else "storm"

    def tap(self, key: int) -> None:
        for kind in (self.pygame.KEYDOWN, self.pygame.KEYUP):
            self.pygame.event.post(self.pygame.event.Event(kind, key=key, mod=0, scancode=0))

    def count(self) -> None:
        """What the process holds, now that it rests."""
        from app.window.style.text import MAX_FONTS

        gc.collect()
        with contextlib.suppress(OSError, AttributeError, ImportError):
            import ctypes

            ctypes.CDLL(None).malloc_trim(0)  # what was freed is not held
        facts = {"rest": self.rests, "done": round(self.done, 3), "thrown": self.thrown}
        if Path("/proc/self").exists():
            status = Path("/proc/self/status").read_text()
            facts["memory"] = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1e3
            facts["threads"] = int(re.search(r"Threads:\s+(\d+)", status).group(1))
            names = Path("/proc/self/fd").iterdir()
            open_files = [str(n.readlink()) for n in names if n.is_symlink()]
            # A font's file is open as long as the font is kept, and so many are kept.
            fonts = [name for name in open_files if name.endswith(".otf")]
            assert len(fonts) <= MAX_FONTS, fonts
            facts["files"] = sorted(name for name in open_files if name not in fonts)
        facts |= {"networks": len(self.session.networks.entries), "frames": self.frames}
        facts |= {"digits": len(self.session.my_digits.digits), "slowest": self.slowest}
        self.note(**facts)

    def end(self) -> None:
        """Leave, as the options say."""
        end = self.options.end
        if end == "escape":
            if self.session.course.training is not None:  # asks once whether it may be lost
                self.tap(self.pygame.K_ESCAPE)
            self.tap(self.pygame.K_ESCAPE)
        elif end.startswith("SIG"):
            if self.phase != "ended":
                os.kill(os.getpid(), getattr(signal, end))
        else:
            self.pygame.event.post(self.pygame.event.Event(getattr(self.pygame, end)))
        self.phase = "ended"


def run_inside(options: argparse.Namespace) -> None:
    """Run the program with the storm in it."""
    import faulthandler

    import app.my_digits.my_digits
    import app.my_digits.tuner
    import app.session.files
    import app.session.training
    from app import draw
    from app.my_digits.profile import Profile
    from app.session.messages import Messages
    from app.window import loop
    from app.window.controller import Controller
    from app.window.painter import Painter
    from app.window.screen.screen import Screen
    from nn.support.commands import run
    from nn.training.finetuning import Amounts

    for name in ("SIGINT", "SIGHUP"):  # a shell's background job, and nohup, ignore them
        if hasattr(signal, name):
            usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            signal.signal(getattr(signal, name), usual)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)
    faulthandler.enable()
    storm = Storm(options)
    if options.events:  # the suite has little time: a small network, tuned a little
        little = Amounts(rehearsed=200, rehearsed_synthetic=100, guarded=200, steps=3, batch=32)
        draw.DEFAULT_MODEL = "linear"
        app.my_digits.tuner.BackgroundTuner = functools.partial(
            app.my_digits.tuner.BackgroundTuner, amounts=little
        )
    draw.Session = functools.partial(draw.Session, clock=storm.clock, seed=options.seed)
    wait, run_window, paint = loop.wait_for_events, draw.run_window, Painter.paint
    say, leave = Messages.say, Screen.leave

    def left(screen):
        # A real key may come between the look and the Esc; the program's end has its own time.
        if storm.phase in ("end", "ended") or storm.is_anything_open():
            leave(screen)

    def window(screen, size):
        storm.screen, storm.session = screen, screen.session
        run_window(screen, size)

    def waited(*arguments):
        storm.before_looking()
        return wait(*arguments)

    def timed(owner, name, words):
        original = getattr(owner, name)

        def call(*arguments):
            said, began = words(*arguments), time.perf_counter()
            result = original(*arguments)
            storm.time(time.perf_counter() - began, said)
            return result

        setattr(owner, name, call)

    bugs = {""}

    def painted(painter, surface, screen):
        storm.frames += 1
        painted = paint(painter, surface, screen)
        if screen.guard.error not in bugs:
            bugs.add(screen.guard.error)  # a panel met it and went on
            storm.note(bug=screen.guard.error)
        return painted

    def said(messages, text, *more):
        if re.search(r"\b[A-Z]\w*(Error|Exception): ", text):  # a bug that was caught and told
            storm.note(bug=text)
        return say(messages, text, *more)

    draw.run_window, loop.wait_for_events, Painter.paint = window, waited, painted
    Messages.say, Screen.leave = said, left

    timed(Controller, "handle",
          lambda _, event: f"{event} {storm.screen.dialog} {storm.screen.panel}"[:150],
    )  # fmt: skip
    timed(Screen, "update", lambda screen: f"update, {screen.panel}")
    timed(Painter, "paint", lambda _, surface, __: f"paint {surface.get_size()}")
    timed(loop, "serve", lambda screen, _: f"serve {screen.requests}")

    def noted(owner, name, facts_of):
        """Note what a call that has succeeded did; that it was tried, before."""
        original = getattr(owner, name)

        def call(*arguments):
            storm.note(trying=name)
            result = original(*arguments)
            storm.note(tried=name, **facts_of(result, *arguments))
            return result

        setattr(owner, name, call)

    my_digits = app.my_digits.my_digits.MyDigits
    noted(my_digits, "correct", lambda said, _, label, strokes: (
        {"added": said[0], "label": label} if said[0] is not None else {}))  # fmt: skip
    noted(Profile, "remove", lambda found, _, key: {"removed": key} if found else {})
    noted(Profile, "relabel", lambda found, _, key, label: (
        {"relabelled": key, "label": label} if found else {}))  # fmt: skip
    noted(Profile, "put", lambda was_removed, _, own, __: {
        ("restored" if was_removed else "relabelled"): own.key,
        "label": own.digit.label,
    })  # fmt: skip
    noted(
        app.session.files,
        "save_drawing",
        lambda written, *_: {"saved": [str(p) for p in written]},
    )
    noted(loop, "save_picture", lambda path, *_: {"saved": [str(path)]})
    noted(
        app.session.training.Training,
        "save",
        lambda classifier, *_: {"saved": [str(classifier.path)]},
    )
    arguments = ["--data-dir", options.data_dir, "--interval", "0.3"]
    run(lambda _: draw.main(arguments), "app.draw")


# Outside of it


class Failure(AssertionError):
    """Something that must hold does not."""


class Outside:
    """Starts the program again and again, disturbs it from outside, and looks at what it left."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        from app.my_digits.profile import Profile

        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.home = folder / "home"
        self.home.mkdir()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "WAYLAND"))},
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
        }
        self.profile = Profile(self.home / ".local/share/digitpad/profiles/default")
        self.journal = folder / "journal.jsonl"
        self.journal.touch()
        (folder / "files.json").write_text(json.dumps(make_files(folder / "files")))
        self.server = None
        self.strokes = json.loads(EXAMPLES.read_text().splitlines()[3])["strokes"]
        self.report = {
            "seed": options.seed, "events": 0, "frames": 0, "lives": 0, "ends": [],
            "closed_early": 0, "outside_events": 0, "profile_changes": 0, "slowest": [],
            "rests": [],
        }  # fmt: skip

    def start_display(self) -> None:
        classifier, writer = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", *self.options.display, "-noreset", "-displayfd", str(writer), "-screen", "0",
             f"{SCREEN[0]}x{SCREEN[1]}x24"],
            pass_fds=[writer], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writer)
        with os.fdopen(classifier) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise Failure("Xvfb did not start")
        self.environment |= {"DISPLAY": f":{number}"}
        self.environment.pop("SDL_VIDEODRIVER", None)
        print(f"display :{number}, folder {self.folder}", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def lives(self):
        """How long each life lasts and how it ends: one long one, and short ones around it."""
        options = self.options
        ends = itertools.cycle(ENDS)
        if options.events:
            for share in (0.6, 0.4):
                yield {"--events": int(options.events * share), "--rests": 1}, next(ends)
            return
        end = time.monotonic() + options.seconds
        short = max(2.0, options.seconds / 40)
        for number in itertools.count():
            left = end - time.monotonic()
            if left <= 1:
                return
            long = number == 1
            seconds = min(left, options.seconds * 0.6 if long else short)
            rests = max(1, int(seconds / 45)) if long else 1
            yield {"--seconds": seconds, "--rests": rests}, next(ends)

    def run(self) -> dict:
        for number, (length, end) in enumerate(self.lives()):
            self.live(number, length, end)
        self.check_replay()
        return self.report

    def live(self, number: int, length: dict, end: str) -> None:
        """One life of the program, from its start to its end."""
        options = self.options
        arguments = {
            "--inside": self.folder, "--seed": options.seed + 1000 * number, "--end": end,
            "--rate": options.rate, "--data-dir": options.data_dir, **length,
        }  # fmt: skip
        command = [sys.executable, __file__, *(str(x) for pair in arguments.items() for x in pair)]
        if options.without:
            command += ["--without", *options.without]
        if options.replay:
            command += ["--replay", *options.replay]
        before = len(self.notes())
        (self.folder / "beat").unlink(missing_ok=True)
        with open(self.folder / "stderr", "w+") as errors:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stderr=errors)
            try:
                self.attend(process)
            finally:
                process.kill()
                process.wait()
            errors.seek(0)
            said = errors.read()
        notes = self.notes()[before:]
        beat = self.beat()
        self.report["events"] += beat.get("thrown", 0)
        self.report["frames"] += beat.get("frames", 0)
        self.report["lives"] += 1
        self.report["ends"].append([end, process.returncode])
        expected = (130 if end == "SIGINT" else 0, "")
        if (process.returncode, said) != expected:
            raise Failure(
                f"life {number} ({end}) ended with status {process.returncode}:\n{said[-6000:]}"
            )
        if bugs := [note["bug"] for note in notes if "bug" in note]:
            raise Failure(f"life {number}: {bugs[0]}")
        self.check_rests([note for note in notes if "rest" in note])
        self.check_files()

    def attend(self, process: subprocess.Popen) -> None:
        """Disturb the program until it ends; it must not fall silent."""
        window = None
        changed = time.monotonic()
        beat = ""
        while process.poll() is None:
            now = time.monotonic()
            with contextlib.suppress(OSError):
                found = (self.folder / "beat").read_text()
                if found != beat:
                    beat, changed = found, now
            if now - changed > HANG_SECONDS:
                process.send_signal(signal.SIGUSR1)
                time.sleep(1)
                stacks = (self.folder / "stderr").read_text()
                raise Failure(f"silent for {HANG_SECONDS} seconds:\n{stacks[-6000:]}")
            if self.server is None:
                time.sleep(0.05)
                continue
            window = self.move_window_and_mouse(process, window)
            if self.random.random() < 0.2:
                self.change_profile()
            time.sleep(self.random.uniform(0.05, 0.4))

    def beat(self) -> dict:
        try:
            return json.loads((self.folder / "beat").read_text())
        except (OSError, ValueError):
            return {}

    def xdotool(self, *words) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                ["xdotool", *map(str, words)], env=self.environment, capture_output=True, text=True,
                timeout=20,
            ).stdout  # fmt: skip
        return ""

    def move_window_and_mouse(self, process: subprocess.Popen, window: str | None) -> str | None:
        """A few things that a real mouse, a real keyboard and a window manager do."""
        r = self.random
        if window is None or r.random() < 0.1:
            found = self.xdotool("search", "--pid", process.pid, "--name", "Digitpad").split()
            window = found[-1] if found else None
        if window is None:
            return None
        kind = r.random()
        words: list = []
        if kind < 0.5:
            for _ in range(r.randrange(8)):
                words += [
                    "mousemove",
                    "--window",
                    window,
                    r.randint(-50, 1300),
                    r.randint(-50, 900),
                ]
                if r.random() < 0.5:
                    words += [
                        r.choice(("mousedown", "mouseup", "click")),
                        r.choice((1, 1, 3, 2, 4)),
                    ]
            words += ["mouseup", 1, "mouseup", 3]
        elif kind < 0.7:
            keys = "r h i w l n m o Tab F6 bracketleft space Down Left 1 7 ctrl+z ctrl+shift+z F11"
            words = ["key", "--window", 0, *r.choices(keys.split(), k=5)]
            words = [word for word in words if word not in ("--window", 0)]
        elif kind < 0.9:
            for _ in range(r.randint(1, 20)):
                some = r.randint(1, 2000), r.randint(1, 1500)
                size = r.choice(((960, 640), (1, 1), SCREEN, some, some, some))
                words += ["windowsize", window, *size]
        else:
            verb = r.choice(("windowmove", "windowminimize", "windowunmap", "windowfocus"))
            words = [verb, window, *((r.randint(-300, 900),) * 2 if verb == "windowmove" else ())]
            if verb == "windowunmap":
                words += ["windowmap", window]
        self.report["outside_events"] += len(words)
        self.xdotool(*words)
        return window

    def change_profile(self) -> None:
        """What another window of the same user does, or a hand in the file."""
        from app.my_digits.profile import ProfileError

        r = self.random
        self.report["profile_changes"] += 1
        try:
            digits = self.profile.load().digits
            if len(digits) > MAX_DIGITS:
                for own in digits[: len(digits) - MAX_DIGITS // 2]:
                    if self.profile.remove(own.key):
                        self.note(removed=own.key)
            elif r.random() < 0.6:
                label = r.randrange(10)
                self.note(added=self.profile.add(label, self.strokes).key, label=label)
            elif digits and r.random() < 0.5:
                own = r.choice(digits)
                if self.profile.remove(own.key):
                    self.note(removed=own.key)
            else:
                with self.profile._locked(), open(self.profile.path, "ab") as file:
                    file.write(r.choice((b"rubbish\n", b"\x00\xff\n", b'{"label": 3}\n')))
        except ProfileError as error:
            if "another window holds" not in str(error):
                raise

    def note(self, **facts) -> None:
        with open(self.journal, "ab", buffering=0) as file:
            file.write(json.dumps(facts).encode() + b"\n")

    def notes(self) -> list[dict]:
        return [json.loads(line) for line in self.journal.read_bytes().splitlines()]

    def check_rests(self, rests: list[dict]) -> None:
        """Handles as at the first rest, memory flat after the first third of a life."""
        for rest in rests:
            self.report["slowest"] += rest.pop("slowest")
        self.report["slowest"] = sorted(self.report["slowest"], reverse=True)[:8]
        if not rests:  # closed by chance, by a key that met an event from outside
            self.report["closed_early"] += 1
            return
        if len(rests) > len(self.report["rests"]):
            self.report["rests"] = [{**rest, "files": len(rest.get("files", ()))} for rest in rests]
        for rest in rests[1:]:
            if rest.get("threads", 0) > rests[0].get("threads", 0):
                raise Failure(f"threads at rest: {rests[0]['threads']}, later {rest['threads']}")
            if len(rest.get("files", ())) > len(rests[0].get("files", ())):
                raise Failure(f"files at rest: {rests[0]['files']}, later {rest['files']}")
        # The least of each third: how large the window is just now, and on how many of the user's
        # digits a network has been at work, makes up and down by a hundred MB.
        middle = [rest for rest in rests if 1 / 3 <= rest["done"] < 2 / 3 and "memory" in rest]
        last = [rest for rest in rests if rest["done"] >= 2 / 3 and "memory" in rest]
        if middle and last:
            before, after = (min(part, key=lambda rest: rest["memory"]) for part in (middle, last))
            more = after["networks"] - before["networks"]
            most = MAX_GROWTH + NETWORK * max(0, more)
            if after["memory"] - before["memory"] > most:
                raise Failure(f"memory grows: {[rest['memory'] for rest in rests]} MB")

    def check_files(self) -> None:
        """All that was confirmed is there, and nothing that is half-written."""
        notes = self.notes()
        wanted = expected_labels(notes)
        found = {own.key: own.digit.label for own in self.profile.load().digits}
        if found != wanted:
            raise Failure(f"the profile differs: {set(found.items()) ^ set(wanted.items())}")
        for path in itertools.chain.from_iterable(note.get("saved", ()) for note in notes):
            check_loads(Path(path))
        parts = [str(path) for path in self.home.rglob("*.part")]
        if parts:
            raise Failure(f"half-written: {parts}")

    def check_replay(self) -> None:
        """The profile's digits can be read by the command that measures."""
        digits = len(self.profile.load().digits)
        self.report["digits"] = digits
        if digits:
            done = subprocess.run(
                [sys.executable, "-m", "app.replay", self.profile.path, "--model", "linear",
                 "--json"],
                cwd=ROOT, env=self.environment, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode or json.loads(done.stdout)["digits"] != digits:
                raise Failure(f"app.replay: {done.stdout} {done.stderr}")
        self.report["drawings"] = sum(1 for note in self.notes() if "saved" in note)


def expected_labels(notes: list[dict]) -> dict[str, int]:
    """What the profile must hold, by key, after all that was confirmed in the journal.

    A digit that was removed once more than it was restored is gone, whoever noted it first.
    """
    labels: dict[str, int] = {}
    removed = Counter(note["removed"] for note in notes if "removed" in note)
    removed.subtract(note["restored"] for note in notes if "restored" in note)
    for note in notes:
        key = note.get("added") or note.get("relabelled") or note.get("restored")
        if key is not None and removed[key] <= 0:
            labels[key] = note["label"]
    return labels


def check_loads(path: Path) -> None:
    """A file that was saved can be loaded."""
    from app.drawing.canvas import Canvas
    from app.drawing.drawings import load_drawing
    from nn.inference.classifier import load_classifier
    from nn.support.errors import DataError

    if path.suffix == ".npz":
        load_classifier(path)
        return
    try:
        load_drawing(path, Canvas())
    except DataError as error:
        # A screenshot, or a drawing that was rubbed out, shows no digit; but it is a whole picture.
        if any(words in str(error) for words in ("cannot read", "does not exist")):
            raise Failure(f"saved, but not to be loaded: {error}") from None


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--events", type=int, default=0, help="off screen, so many events")
    parser.add_argument("--rate", type=int, default=2000, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data-dir", help="MNIST; without it, a small one that is made up")
    parser.add_argument("--keep", type=Path, help="a new folder for all that is left")
    parser.add_argument("--display", nargs=1, default=[], help="such as :91; else any free one")
    parser.add_argument("--replay", nargs="*", default=[], help="events to throw, from files")
    parser.add_argument("--without", nargs="*", default=[], help="bursts to leave out, by name")
    for name in ("--inside", "--end", "--rests"):
        parser.add_argument(name, help=argparse.SUPPRESS, type=int if name == "--rests" else str)
    return parser


def main() -> int:
    options = build_parser().parse_args()
    if options.inside:
        run_inside(options)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    with contextlib.ExitStack() as stack:
        if options.keep:
            options.keep.mkdir(parents=True)
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = folder.resolve()
        if not options.data_dir:
            from tests.helpers.data_files import write_small_mnist

            options.data_dir = folder / "mnist"
            options.data_dir.mkdir()
            write_small_mnist(options.data_dir)
        outside = Outside(options, folder)
        stack.callback(outside.close)
        try:
            if not options.events:
                outside.start_display()
            outside.run()
        except Failure as failure:
            outside.report["failure"] = str(failure)
            print(f"storm: seed {options.seed}: {failure}", file=sys.stderr)
        print(json.dumps(outside.report, indent=1))
        return int("failure" in outside.report)


if __name__ == "__main__":
    sys.exit(main())
