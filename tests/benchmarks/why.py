"""Whether Why tells the truth, against gradient × input, integrated gradients and chance.

    python tests/benchmarks/why.py [MODEL …] --data-dir FOLDER_WITH_MNIST [--set 0] [--digits 150]

For the shipped networks, on digits kept aside from MNIST's training file; `--set 1` are others than
`--set 0`, on which the constants of `nn.inference.occlusion` were chosen. Prints, for each method:

* against: the digits in which it paints ink against the answer, and the share of them in which
  erasing the strongest of it (a twentieth, a tenth of all ink, all of it) lowers the answer;
* for: the digits in which it paints a twentieth of all ink for the answer, and the share of digits
  in which erasing the ink most strongly for it (a twentieth, a tenth, a fifth of all ink) lowers
  it more than erasing as much ink at random does on average;
* deletion (lower is better) and insertion (higher is better): the mean probability of the answer
  while the ink goes, or comes on blank paper, cell by cell, the strongest first (Petsiuk et al.
  2018);
* the time to the first and to the fine map, the least of several, by the clock and, in brackets, of
  the processor, which a busy machine leaves as it is. Set OPENBLAS_NUM_THREADS=1 for one core.

The methods of gradients stand here, because nothing else needs them: gradient × input (Shrikumar et
al. 2016) and integrated gradients from blank paper (Sundararajan et al. 2017), both of the digit's
logit less the mean of all logits, averaged over the views that the classifier averages over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from nn.data.dataset import load_mnist, split
from nn.handwriting.shear import row_shifts, shears_of_views, views
from nn.inference.classifier import Classifier, load_classifier
from nn.inference.occlusion import Occlusion
from nn.network.layers import Dropout
from nn.support.types import Array

AGAINST, FOR = (0.05, 0.1, 1.0), (0.05, 0.1, 0.2)
STEPS, DRAWS, TIMINGS = 20, 10, 12
Method = Callable[[Classifier, Array, int], tuple[Array, Array]]  # effects, and where painted


def by_erasing(classifier: Classifier, image: Array, digit: int) -> tuple[Array, Array]:
    """What the window shows."""
    found = [each for each in Occlusion(classifier.probabilities, image).maps(digit) if each]
    return found[-1].effects, found[-1].painted


def gradient_times_input(classifier: Classifier, image: Array, digit: int) -> tuple[Array, Array]:
    """The ink times the slope at it."""
    effects = slopes(classifier, image[None], digit)[0] * image
    return effects, effects != 0


def integrated_gradients(classifier: Classifier, image: Array, digit: int) -> tuple[Array, Array]:
    """The ink times the mean of the slopes on the way from blank paper."""
    way = ((np.arange(32) + 0.5) / 32).astype(np.float32)
    effects = slopes(classifier, way[:, None, None] * image, digit).mean(axis=0) * image
    return effects, effects != 0


def chance(_: Classifier, image: Array, digit: int) -> tuple[Array, Array]:
    """Random numbers."""
    rng = np.random.default_rng([digit, int(1000 * image.sum())])
    effects = np.where(image > 0, rng.normal(size=image.shape), 0)
    return effects, effects != 0


METHODS: dict[str, Method] = {
    "erasing": by_erasing,
    "gradient × input": gradient_times_input,
    "integrated gradients": integrated_gradients,
    "chance": chance,
}


def slopes(classifier: Classifier, images: Array, digit: int) -> Array:
    """∂ of the digit's logit less the mean of all, with respect to images (N, 28, 28)."""
    layers = [each for each in classifier.checkpoint.model.layers if not isinstance(each, Dropout)]
    shears = shears_of_views(classifier.checkpoint.shear)
    found = np.zeros(images.shape)
    for shear, seen in zip(shears, views(images, classifier.checkpoint.shear), strict=True):
        y = np.ascontiguousarray(seen.reshape(len(images), -1))
        for layer in layers:
            y = layer.forward(y, training=True)
        slope = np.full_like(y, -1 / y.shape[1])
        slope[:, digit] += 1
        for layer in reversed(layers):
            slope = layer.backward(slope)
        slope = np.array(slope).reshape(images.shape)
        if shear:
            back = row_shifts(shear).swapaxes(1, 2)
            slope = np.matmul(slope.swapaxes(0, 1), back).swapaxes(0, 1)
        found += slope / len(shears)
    return found


def odds(classifier: Classifier, images: Array, digit: int) -> Array:
    """log(p / (1 − p)) of the digit: it orders as p does, also where that rounds to 1."""
    p = classifier.probabilities(images.astype(np.float32)).astype(np.float64)
    others = np.delete(p, digit, axis=1).sum(axis=1)
    return np.asarray(np.log(np.maximum(p[:, digit], 1e-30)) - np.log(np.maximum(others, 1e-30)))


def first_cells(image: Array, order: Array, ink: float) -> Array:
    """The first cells of an order that hold so much ink: a mask (28, 28)."""
    count = int(np.searchsorted(np.cumsum(image.ravel()[order]), ink - 1e-6)) + 1
    mask = np.zeros(image.size, bool)
    mask[order[:count]] = True
    return mask.reshape(image.shape)


def strongest(image: Array, values: Array, ink: float) -> Array | None:
    """The ink of the largest values above 0, so much of it or all there is; None without any."""
    cells = np.flatnonzero((values.ravel() > 0) & (image.ravel() > 0))
    order = cells[np.argsort(-values.ravel()[cells], kind="stable")]
    return first_cells(image, order, ink) if len(order) else None


def curves(classifier: Classifier, image: Array, digit: int, effects: Array) -> tuple[float, float]:
    """The areas below the deletion and the insertion curve."""
    cells = np.flatnonzero(image.ravel() > 0)
    order = cells[np.argsort(-effects.ravel()[cells], kind="stable")]
    cuts = np.rint(np.linspace(0, len(cells), STEPS + 1)).astype(int)
    rank = np.full(image.size, len(cells))
    rank[order] = np.arange(len(cells))
    is_first = (rank < cuts[:, None]).reshape(-1, *image.shape)
    p = classifier.probabilities(np.concatenate([image * ~is_first, image * is_first]))[:, digit]
    weight = np.full(STEPS + 1, 1 / STEPS)
    weight[[0, -1]] /= 2
    return float(weight @ p[: STEPS + 1]), float(weight @ p[STEPS + 1 :])


def measure(classifier: Classifier, images: Array) -> dict[str, dict[str, list[float]]]:
    """For each method and figure, a number for each digit that it is about."""
    rng = np.random.default_rng(5)
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in METHODS}
    for image in images:
        digit = int(classifier.probabilities(image[None])[0].argmax())
        ink, cells = float(image.sum()), np.flatnonzero(image.ravel() > 0)
        at_random = [
            first_cells(image, rng.permutation(cells), share * ink)
            for share in FOR
            for _ in range(DRAWS)
        ]
        masks = [np.zeros(image.shape, bool), *at_random]
        before, *rest = odds(classifier, np.where(masks, 0, image), digit)
        by_chance = np.reshape(rest, (len(FOR), DRAWS)).mean(axis=1)
        for name, method in METHODS.items():
            effects, painted = method(classifier, image, digit)
            found, shown = figures[name], np.where(painted, effects, 0)
            deletion, insertion = curves(classifier, image, digit, effects)
            found.setdefault("deletion", []).append(deletion)
            found.setdefault("insertion", []).append(insertion)
            for share in AGAINST:
                mask = strongest(image, -shown, share * ink)
                if mask is not None:
                    after = odds(classifier, np.where(mask, 0, image)[None], digit)[0]
                    found.setdefault(f"against {share:g}", []).append(after < before)
            for share, random in zip(FOR, by_chance, strict=True):
                mask = strongest(image, shown, share * ink)
                if mask is not None and image[mask].sum() > 0.9 * share * ink:
                    after = odds(classifier, np.where(mask, 0, image)[None], digit)[0]
                    found.setdefault(f"for {share:g}", []).append(after < random)
    return figures


def seconds(classifier: Classifier, images: Array) -> Array:
    """The time to the first and to the fine map of a usual digit, the least of several: (2, 2).

    By the clock, and of the processor.
    """
    image = sorted(images, key=lambda each: np.count_nonzero(each))[len(images) // 2]
    digit = int(classifier.probabilities(image[None])[0].argmax())
    taken = []
    for _ in range(TIMINGS):
        began, times = np.array([time.perf_counter(), time.process_time()]), []
        for found in Occlusion(classifier.probabilities, image).maps(digit):
            if found is not None:
                times.append([time.perf_counter(), time.process_time()] - began)
                if found.is_fine:
                    break
        taken.append([times[0], times[-1]])
    return np.asarray(np.min(taken, axis=0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", default=["linear", "mlp", "cnn"], metavar="MODEL")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--set", type=int, default=0)
    parser.add_argument("--digits", type=int, default=150)
    options = parser.parse_args()
    dataset, _ = load_mnist(options.data_dir)
    _, kept_aside = split(dataset.labels, 0.1, np.random.default_rng(0))
    order = np.random.default_rng(0).permutation(kept_aside)
    chosen = order[options.set * options.digits :][: options.digits]
    images = dataset.images[chosen].reshape(-1, 28, 28).astype(np.float32)
    for model in options.models:
        classifier = load_classifier(model)
        first, fine = (
            f"{1000 * clock:.0f} ms ({1000 * processor:.0f})"
            for clock, processor in seconds(classifier, images)
        )
        print(f"{model}: first map after {first}, fine after {fine}")
        for name, figures in measure(classifier, images).items():
            counts = [len(figures.get(kind, [])) for kind in ("against 0.1", "for 0.05")]
            against = " ".join(percent(figures.get(f"against {share:g}", [])) for share in AGAINST)
            supports = " ".join(percent(figures.get(f"for {share:g}", [])) for share in FOR)
            areas = [float(np.mean(figures[kind])) for kind in ("deletion", "insertion")]
            print(
                f"  {name:>20}: against, of {counts[0]:3}: {against} · "
                f"for, of {counts[1]:3}: {supports} · "
                f"deletion {areas[0]:.4f}, insertion {areas[1]:.4f}",
                flush=True,
            )


def percent(is_so: list[float]) -> str:
    """How often something is so."""
    return f"{100 * float(np.mean(is_so)):3.0f} %" if is_so else "  –  "


if __name__ == "__main__":
    main()
