"""How long one reading takes, from the canvas to the probabilities.

    python tests/benchmarks/prediction.py [MODEL …]

Prints the median of many readings of a drawn digit, in milliseconds.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.drawing.canvas import Canvas
from app.drawing.strokes import fit, read_strokes
from app.session.predictor import Predictor
from nn.handwriting.framing import frame_strokes
from nn.inference.classifier import load_classifier
from tests.helpers.paths import EXAMPLES

ROUNDS = 1000


def main() -> None:
    digits = list(read_strokes(EXAMPLES))
    canvas = Canvas()
    canvas.draw_strokes(fit(digits[3].strokes, 0.7, (0.0, 0.0)))
    image = frame_strokes(canvas.strokes)[None]
    framing = median_milliseconds(partial(frame_strokes, canvas.strokes))
    print(f"{'framing alone':>16}: {framing:.3f} ms")
    for name in sys.argv[1:] or ["linear", "mlp", "cnn"]:
        classifier = load_classifier(name)
        predictor = Predictor(classifier, canvas)
        network = median_milliseconds(partial(classifier.probabilities, image))
        both = median_milliseconds(predictor.predict_now)
        print(f"{name:>16}: {network:.3f} ms; canvas to probabilities {both:.3f} ms")


def median_milliseconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


if __name__ == "__main__":
    main()
