"""Does the suite notice? Breaks one line at a time and runs the tests that should fail.

    python tests/robustness/mutations.py [NUMBER …]

Each mutation is made in a copy of the project, in a temporary folder. Prints what was not noticed,
and ends with status 1 if that is more than `ALLOWED`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.paths import ROOT

ALLOWED = 2
# file, a piece of a line in it that is there once, what it becomes, and the tests that see to it
MUTATIONS = [
    ("nn/network/layers.py", "fan_in), shape)", "fan_out), shape)", "layers architectures"),
    ("nn/network/activations.py", "np.greater(y, 0,", "np.less(y, 0,", "layers"),
    ("nn/network/activations.py", "np.subtract(1, out,", "np.subtract(out, 1,", "layers"),
    ("nn/network/layers.py", 'np.einsum("no->o", dy,', 'np.einsum("no->o", -dy,', "layers"),
    ("nn/network/layers.py", "np.matmul(dy.T, x,", "np.matmul(-dy.T, x,", "layers"),
    ("nn/network/layers.py", "memory *= 1 / (1 - self.p)", "memory *= 1", "layers"),
    ("nn/network/sequential.py", "if expected != received:", "if False:", "layers checkpoint"),
    ("nn/network/convolution.py", "self.kernel_size - 1 - self.padding",
     "self.padding", "convolution"),
    ("nn/network/convolution.py", "[:, :, ::-1, ::-1]", "[:, :, :, ::-1]", "convolution"),
    ("nn/network/convolution.py", 'np.einsum("iojn->o", rows',
     'np.einsum("iojn->o", -rows', "convolution"),
    ("nn/network/im2col.py", "moved[padding + height :] = 0", "pass", "convolution"),
    ("nn/network/winograd.py", "np.subtract(d2, d1, out=sums[2])",
     "np.subtract(d1, d2, out=sums[2])", "convolution"),
    ("nn/network/winograd.py", "dm3[:, :, whole:] = 0", "pass", "convolution"),
    ("nn/network/convolution.py", "np.greater(tap, largest,",
     "np.greater_equal(tap, largest,", "convolution"),
    ("nn/network/losses.py", "labels] -= 1 - s", "labels] -= 1", "losses"),
    ("nn/network/losses.py", "shifted -= np.max(shifted, axis=0)", "pass", "losses"),
    ("nn/training/optimizers.py", "np.divide(v, 1 - self.beta2**self.steps, out=scratch)",
     "np.divide(v, 1, out=scratch)", "optimizers"),
    ("nn/training/optimizers.py", "parameters *= 1 - learning_rate * self.weight_decay",
     "parameters *= 1 + learning_rate * self.weight_decay", "optimizers"),
    ("nn/training/optimizers.py", "decay ** int(epoch)", "decay ** epoch", "optimizers"),
    ("nn/training/learner.py", "np.random.default_rng([self.seed, self.epoch])",
     "np.random.default_rng(self.seed)", "learner train"),
    ("nn/training/learner.py", "if not np.isfinite(figure):", "if False:", "learner train"),
    ("nn/training/callbacks.py", "self.average *= decay", "self.average *= 1", "learner"),
    ("nn/training/parallel.py", "np.multiply(model.gradients, share,",
     "np.multiply(model.gradients, 1,", "parallel"),
    ("nn/data/dataset.py", "order = rng.permutation(order)", "order = order[::-1]", "dataset"),
    ("nn/inference/calibration.py", "np.abs(", "(", "calibration"),
    ("nn/support/files.py", "os.fsync(file.fileno())", "pass", "checkpoint profile"),
    ("nn/support/files.py", "if replace:\n        temporary.replace(path)",
     "if replace:\n        path.write_bytes(temporary.read_bytes())", "checkpoint killing"),
    ("nn/inference/checkpoint.py", "<= MAX_WEIGHT >=", "<= np.inf >=", "checkpoint"),
    ("nn/inference/checkpoint.py", "if expected != received:", "if False:", "checkpoint"),
    ("nn/support/arrays.py", "file.read(content), dtype", "file.read(), dtype", "checkpoint"),
    ("nn/support/packed.py", "if size is not None and size > self.longest:",
     "if False:", "checkpoint"),
    ("nn/training/resume.py", "        check(settings)\n", "", "train"),
    ("nn/support/errors.py", "return one_line(super().__str__())",
     "return super().__str__()", "commands"),
    ("nn/handwriting/brush.py", "MAX_CELLS // side**2", "10**9", "brush"),
    ("nn/handwriting/framing.py", "x = images.sum(axis=1) @ (np.arange(width) + 0.5)",
     "x = images.sum(axis=1) @ (np.arange(width) + 1.5)", "framing"),
    ("nn/handwriting/augmentation.py", "x -= left", "x -= top", "augmentation"),
    ("nn/handwriting/shear.py", "- (SIZE - 1) / 2", "- SIZE / 2", "classifier"),
    ("nn/inference/rejection.py", "< MIN_SIDE", "< 0", "rejection"),
    ("nn/training/finetuning.py", "if (right_before & ~right).any():", "if False:", "finetuning"),
    ("nn/training/finetuning.py", "if not (right & ~right_before).any():",
     "if False:", "finetuning my_digits"),
    ("nn/inference/rejection.py", "(np.abs(slope) < LEVEL)", "(slope < LEVEL)", "rejection"),
    ("nn/inference/rejection.py", "> SOLID * BLOCK**2", "> BLOCK**2", "rejection"),
    ("nn/network/layers.py", '{"transB": 1}', '{"transB": 0}', "export"),
    ("nn/data/download.py", "if self._digest.hexdigest() != self._file.sha256:",
     "if False:", "download"),
    ("app/window/layout.py", "/ self.cell, (y - self.canvas.y)",
     "/ self.cell, (y - self.canvas.x)", "layout controller"),
    ("app/session/predictor.py", "if self._canvas.version == self._read_version:",
     "if False:", "predictor"),
    ("app/session/predictor.py", "self._due = self._clock() + self.interval",
     "self._due = self._clock()", "predictor"),
    ("app/drawing/canvas.py", "self._redo.append(self._state())", "pass", "canvas"),
    ("app/window/controller.py", "LEFT, RIGHT = 1, 3", "LEFT, RIGHT = 3, 1", "controller"),
    ("app/drawing/strokes.py", "if len(line) > MAX_LINE:", "if False:", "strokes"),
    ("app/drawing/drawings.py", "low <= value <= high", "True", "drawings"),
    ("app/drawing/ruling.py", "labels, count = parts(inside > DARKER)",
     "labels, count = parts(inside > 1)", "ruling"),
    ("app/drawing/ruling.py", "np.minimum(old, bridge)", "0", "ruling"),
    ("app/drawing/pixels.py", "return step", "return most", "ruling"),
    ("app/drawing/picture_header.py", 'if kind == b"eXIf":', "if False:", "pictures"),
    ("app/my_digits/profile.py", "os.fsync(file.fileno())", "pass", "profile"),
    ("app/my_digits/my_digits.py", "found = self.profile.remove(key)", "found = True", "my_digits"),
]  # fmt: skip


def notices(number):
    """Whether the tests fail once the line is broken."""
    name, old, new, tests = MUTATIONS[number]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache")
        )
        path = copy / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            sys.exit(f"mutation {number}: {name} does not have {old!r} any more")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        files = [path for test in tests.split() for path in copy.glob(f"tests/**/test_{test}.py")]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files],
            cwd=copy, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    return done.returncode == 1


def main():
    numbers = [int(word) for word in sys.argv[1:]] or range(len(MUTATIONS))
    unnoticed = [number for number in numbers if not notices(number)]
    for number in unnoticed:
        print(f"not noticed: {number}: {MUTATIONS[number][0]}: {MUTATIONS[number][1]}")
    print(f"{len(numbers) - len(unnoticed)} of {len(numbers)} broken lines were noticed")
    sys.exit(len(unnoticed) > ALLOWED)


if __name__ == "__main__":
    main()
