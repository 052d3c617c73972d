"""How long one reading takes, from the canvas to the probabilities.

    python tests/benchmarks/prediction.py [MODEL …]

Prints the median of many readings of a drawn digit, in milliseconds.
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.canvas import Canvas
from app.predictor import Predictor
from app.strokes import fit, read_strokes
from nn.reader import load_reader

ROUNDS = 2000


def main() -> None:
    digits = list(read_strokes(Path(__file__).parents[2] / "assets" / "example-strokes.jsonl"))
    for name in sys.argv[1:] or ["linear", "mlp"]:
        canvas = Canvas()
        canvas.draw_strokes(fit(digits[3].strokes, 0.7, (0.0, 0.0)))
        predictor = Predictor(load_reader(name), canvas)
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            predictor.read_now()
            seconds.append(time.perf_counter() - start)
        print(f"{name:>10}: {1000 * statistics.median(seconds):.3f} ms")


if __name__ == "__main__":
    main()
