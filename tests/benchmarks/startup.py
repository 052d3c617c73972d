"""Time from the start to the first frame, beside importing NumPy and pygame alone.

    python tests/benchmarks/startup.py [--runs 9]

Each is a process of its own; the two take turns, and the medians are compared. Without a display
SDL's dummy driver is used, which leaves out only what the X server does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = "import numpy, pygame"
# The program as it is, stopped when it has shown its first frame.
FIRST_FRAME = """
import os, pygame
def stop(*rectangles):
    show(*rectangles)
    os._exit(0)
show, pygame.display.update = pygame.display.update, stop
from app.draw import main
main([])
"""


def seconds(code: str, environment: dict[str, str]) -> float:
    """How long a new Python takes to run `code`."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=9, help="of each, after one to warm up")
    runs = parser.parse_args().runs
    environment = dict(os.environ, PYGAME_HIDE_SUPPORT_PROMPT="1")
    if sys.platform == "linux" and not ({"DISPLAY", "WAYLAND_DISPLAY"} & set(environment)):
        environment["SDL_VIDEODRIVER"] = "dummy"
    times: dict[str, list[float]] = {IMPORTS: [], FIRST_FRAME: []}
    for turn in range(runs + 1):
        for code, taken in times.items():
            duration = seconds(code, environment)
            if turn:
                taken.append(duration)
    imports, first_frame = (statistics.median(taken) for taken in times.values())
    print(f"import numpy, pygame   {imports:.3f} s")
    print(f"start to first frame   {first_frame:.3f} s")
    print(f"ratio                  {first_frame / imports:.2f}")


if __name__ == "__main__":
    main()
