"""Does the suite notice? Breaks one expression at a time and runs the tests that should fail.

    python tests/robustness/mutations.py [NUMBER …]

Each mutation is made in a copy of the project, in a temporary folder. Prints what was not noticed,
and ends with status 1 if that is more than `ALLOWED`.
"""

from __future__ import annotations

import ast
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.helpers.paths import ROOT

ALLOWED = 2
# A function by its name (with its class) in any file of nn and app, or a class; an expression or a
# statement that is there once; what it becomes; and the files of tests that see to it.
MUTATIONS = [
    # nn.network
    ("he_normal", "2.0 / fan_in", "2.0 / fan_out", "layers architectures"),
    ("ReLU._slope", "np.greater", "np.less", "layers"),
    ("Tanh._slope", "np.subtract(1, out, out=out)", "np.subtract(out, 1, out=out)", "layers"),
    ("Linear.parameter_gradients", "np.einsum('no->o', dy, out=self.grads['bias'])",
     "np.einsum('no->o', -dy, out=self.grads['bias'])", "layers"),
    ("Linear.parameter_gradients", "dy.T", "-dy.T", "layers"),
    ("Dropout.forward", "1 / (1 - self.p)", "1", "layers"),
    ("Sequential.load_state_dict", "expected != received", "False", "layers checkpoint"),
    ("Conv2d.backward", "self.kernel_size - 1 - self.padding", "self.padding", "convolution"),
    ("Conv2d.turned_weight", "self.params['weight'][:, :, ::-1, ::-1]",
     "self.params['weight'][:, :, :, ::-1]", "convolution"),
    ("Conv2d.parameter_gradients", "np.einsum('noij->o', dy, out=self.grads['bias'])",
     "np.einsum('noij->o', -dy, out=self.grads['bias'])", "convolution"),
    ("padded", "x[:, :, :padding] = x[:, :, padding + width:] = 0", "pass", "convolution"),
    ("weight_gradient", "wide[:, :, width:] = 0", "pass", "convolution"),
    ("unrolled", "(height - k + 1) * width - k + 1", "(height - k + 1) * width - k", "convolution"),
    ("Reading.__init__", "padded[:, 1:-1, 1:-1]", "padded[:, :-2, 1:-1]", "depth_first"),
    ("row_sums", "(np.subtract, d2, d1)", "(np.subtract, d1, d2)", "depth_first"),
    ("winograd.weight_of", "(d1 - d2) / 2", "d1 - d2", "depth_first"),
    ("winograd.gradient", "add_to(3, dy1, np.subtract)", "add_to(3, dy1)", "depth_first"),
    ("in_blocks", "rest[0].kernel_size == 2", "True", "depth_first"),
    ("Block.forward", "self._kept = None", "pass", "depth_first"),
    ("Block.forward", "self._reading.shape != x.shape", "False", "depth_first"),
    ("Block._passes_for", "len(self._passes) == MAX_SHAPES", "False", "depth_first"),
    ("Passes.parameter_gradients", "self.d_factors.fill(0)", "None", "depth_first"),
    ("Passes.forward", "self.factors[...] = self.convolution.method.factors_of(self.weight)",
     "pass", "depth_first"),
    ("Passes._pooling_calls", "partial(np.greater, lower, upper, out=self.lower_won[part])",
     "partial(np.greater_equal, lower, upper, out=self.lower_won[part])", "depth_first"),
    ("Passes._spreading_calls", "partial(dy[:, :, 2 * d_out.shape[2]:].fill, 0)", "bool",
     "depth_first"),
    ("depth_first.strips", "min(first + step, height)", "first + step", "depth_first"),
    ("Sequential._link", "self.layers = self._layers", "pass", "depth_first"),
    ("MaxPool2d._largest", "np.greater", "np.greater_equal", "convolution"),
    ("CrossEntropyLoss.backward", "1 - s", "1", "losses"),
    ("CrossEntropyLoss.forward", "shifted -= np.max(shifted, axis=0)", "pass", "losses"),
    ("UnitsOff._without", "x.shape[1] // self.count", "1", "ablation"),
    # nn.handwriting
    ("draw_segments", "MAX_CELLS // side**2", "10**9", "brush"),
    ("framing_of_image", "CENTRE[0] - x", "CENTRE[0] - x + 1", "framing"),
    ("_sample", "x -= left", "x -= top", "augmentation"),
    ("_choose_styles", "weights / weights.sum()", "None", "digits"),
    # nn.training
    ("Adam.step", "1 - self.beta2**self.steps", "1", "optimizers"),
    ("Adam.step", "1 - learning_rate * self.weight_decay",
     "1 + learning_rate * self.weight_decay", "optimizers"),
    ("exponential", "int(epoch)", "epoch", "optimizers"),
    ("Learner._fit_epoch", "[self.seed, self.epoch]", "self.seed", "learner train"),
    ("Learner._check", "not np.isfinite(figure)", "False", "learner train"),
    ("BatchGradients._work",
     "np.multiply(model.gradients, share, out=self._slice_gradients[number])",
     "np.multiply(model.gradients, 1, out=self._slice_gradients[number])", "parallel"),
    ("BatchGradients._on_forks", "self._rngs[worker:len(rngs):count] = drawn", "pass", "parallel"),
    ("BatchGradients._work_on_fork", "self.model.parameters[...] = self._weights", "pass",
     "parallel"),
    ("Forks.__init__", "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})",
     "signal.pthread_sigmask(signal.SIG_BLOCK, set())", "forks"),
    ("Forks.run", "contextlib.suppress(ConnectionError)", "contextlib.nullcontext()", "forks"),
    ("Forks.end", "connection.close()", "None", "forks"),
    ("_serve", "ours.close()", "None", "forks"),
    ("AverageWeights.after_batch", "self.average *= decay", "pass", "learner"),
    ("load_state", "check(settings)", "None", "train"),
    ("Tuner._choose", "(right_before & ~right).any()", "False", "finetuning"),
    ("Tuner._choose", "not (right & ~right_before).any()", "False", "finetuning my_digits"),
    ("Tuner._learn", "not np.isfinite(d_logits).all()", "False", "finetuning"),
    # nn.data
    ("DataLoader.batches", "rng.permutation(order)", "order[::-1]", "dataset"),
    ("PackedCheck.finish", "self._digest.hexdigest() != self._file.sha256", "False", "download"),
    ("_Fetcher.fetch", "self._mirrors.remove(mirror)", "None", "download"),
    ("announced", "len(length) <= 18", "True", "download"),
    ("certificates_fault", "path.is_file() or path.is_dir()", "True", "download"),
    # nn.inference
    ("expected_calibration_error", "np.abs(gaps)", "gaps", "calibration"),
    ("model_of", "abs(weights.min(initial=0)) <= MAX_WEIGHT >= abs(weights.max(initial=0))",
     "abs(weights.min(initial=0)) <= np.inf >= abs(weights.max(initial=0))", "checkpoint"),
    ("model_of", "expected != received", "False", "checkpoint"),
    ("ablated", "DigitsOff if stage.is_last else UnitsOff", "UnitsOff", "ablation"),
    ("offsets", "(SIZE - 1) / 2", "SIZE / 2", "shear"),
    ("Rejection.rejection_score", "longer_side(images) < MIN_SIDE", "longer_side(images) < 0",
     "rejection"),
    ("discounted", "none > MAX_NO_DIGIT", "none > 1", "discount"),
    ("is_level_line", "np.abs(slope)", "slope", "rejection"),
    ("is_block", "SOLID * BLOCK**2", "BLOCK**2", "rejection"),
    ("Linear.__init__", "{'transB': 1}", "{'transB': 0}", "export"),
    ("evidence", "logs[:, digit] - logs[:, rival]", "logs[:, digit]", "occlusion"),
    ("SoftmaxSteps.power", "self.quotient - self.largest", "self.quotient", "waterfall inside_sum"),
    ("_shares", "weights.reshape(stage.input.shape) * stage.input",
     "weights.reshape(stage.input.shape)", "contributions"),
    ("find_model", "(here, shipped, given) if given.name == str(given) else (given,)",
     "(given, here, shipped)", "odd_places"),
    # nn.support
    ("write_atomically", "os.fsync(file.fileno())", "None", "checkpoint profile"),
    ("_take_name", "replace", "replace and path.write_bytes(temporary.read_bytes()) >= 0",
     "checkpoint killing"),
    ("_read_npy", "file.read(content)", "file.read()", "checkpoint"),
    ("_LimitedFile.read", "size is not None and size > self.longest", "False", "checkpoint"),
    ("DigitpadError.__str__", "one_line(super().__str__())", "super().__str__()", "commands"),
    ("write_atomically", "sync_folder(path.parent)", "None", "files profile"),
    ("is_command_loading", "sys.orig_argv[-len(sys.argv)].startswith(('nn.', 'app.'))", "False",
     "interrupting"),
    ("_write_printable", "text.translate(CONTROLS)", "text", "odd_places"),
    # nn's commands, nn.benchmark, nn.lessons
    ("nn.evaluate.main", "frame_each(images)", "images", "evaluate"),
    ("nn.benchmark.report.block", "heading(before) == heading(row)", "True", "compare"),
    ("two_parts", "slice(boundary, None)", "slice(boundary + 1, None)", "lessons"),
    ("two_layers_are_one", "weight @ first.params['bias'] + bias", "weight @ first.params['bias']",
     "lessons"),
    # app.drawing
    ("_standing_free", "FREE * mass.sum()", "2 * mass.sum()", "ruling"),
    ("_without_line", "np.minimum(old, bridge)", "0", "ruling"),
    ("steps_until_a_hole_fills", "return step", "return most", "ruling"),
    ("_png_note", "kind == b'eXIf'", "False", "pictures"),
    ("Canvas.undo", "self._redo.append(self._state())", "None", "canvas"),
    ("_lines", "len(line) > MAX_LINE", "False", "strokes"),
    ("_number", "low <= value <= high", "True", "drawings"),
    ("load_picture", "width * height > MAX_PICTURE or max(width, height) > MAX_LENGTH", "False",
     "pictures"),
    # app.my_digits
    ("append_lines", "os.fsync(file.fileno())", "None", "profile"),
    ("MyDigits.take_back", "self.profile.remove(key)", "True", "my_digits"),
    ("Profile._rewrite",
     "self._append(self.rejected_path, b''.join(line + b'\\n' for line in new))", "None",
     "profile"),
    ("Profile._rewrite", "line not in known", "True", "profile"),
    ("BackgroundTuner._tune_to", "self._tuner.stop.is_set()", "False", "tuner"),
    ("BackgroundTuner.poll", "self._again", "False", "tuner"),
    ("BackgroundTuner.forget", "self.profile.forget_tuned(self.shipped.name)", "None", "tuner"),
    ("BackgroundTuner._join", "self.profile.forget_tuned(self.shipped.name)", "None", "tuner"),
    # app.session
    ("Predictor.update", "self._canvas.version == self._read_version", "False", "predictor"),
    ("Predictor.update", "self._clock() + self.interval", "self._clock()", "predictor"),
    ("NetworkList.add", "file is None or entry.file != file", "True", "networks"),
    ("Count._read_batch", "frame(image)", "image", "mistakes ablation"),
    ("Ablation.hand_on", "before is not after", "before is after", "ablation"),
    ("Guard.run", "said != self.error", "True", "guard"),
    ("network_files", "sorted(kept)[:MOST_LISTED]", "sorted(kept)", "odd_places"),
    ("Observation._rising", "last < lowest + rise", "last < lowest", "diagnosis"),
    ("Observation._gap", "own - unseen < GAP + chance", "own - unseen < GAP - chance",
     "diagnosis"),
    ("Curves.add_point", "points[::2]", "points[:2]", "training steering"),
    ("is_half_and_half", "min(answer.probabilities[1], answer.probabilities[7])",
     "max(answer.probabilities[1], answer.probabilities[7])", "challenges"),
    ("is_neuron_found", "(whole.digit, answer.digit) == (4, 9)", "answer.digit == 9",
     "challenges"),
    ("TrainingCourse._is_first_warning", "not was_warned", "False", "steering training session"),
    ("Erasing._work", "self._question != question", "False", "explanation why"),
    ("Tally.confusion", "confusion_matrix(self.labels, self.read)",
     "confusion_matrix(self.read, self.labels)", "mistakes"),
    # app.window
    ("app.window.input.keys._found", "bool(modifiers & pygame.KMOD_SHIFT)", "False", "keys"),
    ("DigitList.move", "0 <= self.row + steps < self.count", "True", "keys my_digits"),
    ("_draw_bar", "round(probability * row.track.width)", "row.track.width", "view"),
    ("Controller._move", "self.canvas.extend(*place)", "None", "controller"),
    ("Layout.to_cells", "(y - self.canvas.y) / self.cell", "(y - self.canvas.x) / self.cell",
     "layout controller"),
    ("decimal", "'−'", "'-'", "text"),
    ("gliding", "3 - 2 * progress", "3 - progress", "session"),
    ("add_up", "lower[i] - values[i]", "values[i] - lower[i]", "waterfall"),
    ("Pen.move", "self.place or (SIZE / 2, SIZE / 2)", "(SIZE / 2, SIZE / 2)",
     "keys controller session"),
    ("MistakesChoice._commonest", "~np.eye(DIGITS, dtype=bool)", "1", "mistakes"),
    ("MistakesChoice.click", "cell != self.cell", "True", "mistakes"),
    ("_nearest", "distance(nearest) <= within**2", "True", "why captions"),
    ("Touches.hear", "now - t.time < GHOST_SECONDS and k != finger", "False", "touches"),
    ("is_desktops", "modifiers & others", "False", "keys"),
    ("lay_out_buttons", "left += apart - close", "pass", "buttons layout"),
    # app's commands
    ("app.replay.replay", "-mistake.probability", "mistake.probability", "replay"),
]  # fmt: skip


@functools.cache
def functions() -> list[tuple[str, Path, ast.AST]]:
    """Every function and class of nn and app: its full name, its file, and its syntax tree."""
    found = []

    def visit(node: ast.AST, name: str, path: Path) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                found.append((f"{name}.{child.name}", path, child))
                visit(child, f"{name}.{child.name}", path)

    for top in ("nn", "app"):
        for path in sorted((ROOT / top).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            visit(ast.parse(path.read_bytes()), module, path.relative_to(ROOT))
    return found


def places(function: str, old: str) -> list[tuple[Path, Any]]:
    """Where an expression or statement stands in a function: the file, and its syntax tree."""
    (sought,) = ast.parse(old).body
    if isinstance(sought, ast.Expr):
        sought = sought.value
    kind, text = type(sought), ast.dump(sought)
    return [
        (path, node)
        for name, path, body in functions()
        if f".{name}".endswith(f".{function}")
        for node in ast.walk(body)
        if type(node) is kind and ast.dump(node) == text
    ]


def mutated(function: str, old: str, new: str) -> tuple[Path, str]:
    """The file that a mutation changes, relative to the project's folder, and its new text."""
    ((path, node),) = places(function, old)
    lines = (ROOT / path).read_bytes().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    text = b"".join(lines)
    put = new if isinstance(node, ast.stmt) else f"({new})"
    return path, (text[:start] + put.encode() + text[end:]).decode()


def notices(number: int) -> bool:
    """Whether the tests fail once the expression is broken."""
    function, old, new, tests = MUTATIONS[number]
    path, text = mutated(function, old, new)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache")
        )
        (copy / path).write_text(text, encoding="utf-8")
        files = [file for test in tests.split() for file in copy.glob(f"tests/**/test_{test}.py")]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files],
            cwd=copy, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
    return done.returncode == 1


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:]] or range(len(MUTATIONS))
    unnoticed = [number for number in numbers if not notices(number)]
    for number in unnoticed:
        print(f"not noticed: {number}: {MUTATIONS[number][0]}: {MUTATIONS[number][1]}")
    print(f"{len(numbers) - len(unnoticed)} of {len(numbers)} mutations were noticed")
    sys.exit(len(unnoticed) > ALLOWED)


if __name__ == "__main__":
    main()
