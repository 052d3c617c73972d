"""Presses Ctrl-C at many moments of each command, while it loads and while it works.

    python tests/robustness/interrupting.py [MOMENTS]

A moment is that of an import: Python can say when it has imported a module. Each command must end
with status 130 and without a word. Prints where one did not, and ends with status 1 then. What
Python imports for itself, before the project's first line, is not in the project's hands.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.helpers.paths import ROOT

COMMANDS = (
    "nn.train --data-dir {folder}",
    "nn.evaluate --data-dir {folder}",
    "nn.export --onnx {folder}/network.onnx",
    "nn.compare --data-dir {folder}",
    "nn.handwriting --output {folder}/digits.png",
    "nn.lessons --data-dir {folder}",
    "nn.train_rejection --data-dir {folder}",
    "nn.half_drawn --count 100",
    "app.draw --model linear --screenshot {folder}/window.png",
    "app.predict assets/icon.png",
    "app.replay assets/example-strokes.jsonl --model linear",
    "app.teach assets/example-strokes.jsonl --data-dir {folder}",
    "app.rejections assets/example-strokes.jsonl",
    "app.animate --replay assets/example-strokes.jsonl --output {folder}/window.gif",
)
FIRST = "nn.support.interrupts"
SAID = "import time:"


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    """The command, which says on standard error what it has imported."""
    kept = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(folder))
    environment = os.environ | {"SDL_VIDEODRIVER": "dummy", "OPENBLAS_NUM_THREADS": "1"} | kept
    return subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", *command.format(folder=folder).split()],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def imports(command: str) -> int:
    """How many modules a command imports from the project's first line on."""
    with tempfile.TemporaryDirectory() as folder, start(command, Path(folder)) as process:
        assert process.stderr is not None
        lines = [line for line in process.stderr if line.startswith(SAID)]
    return len(lines) - next(i for i, line in enumerate(lines) if FIRST in line)


def fault(command: str, moment: int) -> str:
    """What is wrong when a command is interrupted after so many imports; "" if nothing is."""
    with tempfile.TemporaryDirectory() as folder, start(command, Path(folder)) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if FIRST in line:
                break
        for _ in range(moment):
            process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = "".join(line for line in process.stderr if not line.startswith(SAID))
    return "" if (process.returncode, said) == (130, "") else f"{process.returncode}: {said}"


def faults(command: str, moments: int) -> list[str]:
    """What is wrong at so many moments of a command, spread evenly over all but its end."""
    count = imports(command) * 0.95
    found = [(moment, fault(command, round(count * moment / moments))) for moment in range(moments)]
    return [f"{command}: moment {moment}: {text}" for moment, text in found if text]


def main() -> None:
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    found = [text for command in COMMANDS for text in faults(command, moments)]
    print(*found, f"{len(COMMANDS) * moments - len(found)} of {len(COMMANDS) * moments}", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
