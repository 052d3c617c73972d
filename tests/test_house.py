"""Who imports whom: the arrows between the modules, and what each command may pull in."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations import MUTATIONS

ROOT = Path(__file__).parent.parent

BASIS = {"nn.errors", "nn.files", "nn.brush"}  # small leaves that anything may use
ALLOWED = {
    "nn.errors": set(),
    "nn.files": {"nn.errors"},
    "nn.brush": set(),
    "nn.commands": {"nn.errors"},
    "nn.layers": set(),
    "nn.losses": set(),
    "nn.calibration": {"nn.losses"},
    "nn.optimizers": set(),
    "nn.mnist_files": {"nn.errors", "nn.packed"},
    "nn.dataset": {
        "nn.arrays", "nn.csv_format", "nn.download", "nn.errors", "nn.files", "nn.idx",
        "nn.mnist_files", "nn.packed",
    },
    "nn.download": {"nn.errors", "nn.files", "nn.dataset"},
    "nn.im2col": set(),
    "nn.winograd": {"nn.im2col"},
    "nn.convolution": {"nn.im2col", "nn.layers", "nn.winograd"},
    "nn.architectures": {"nn.layers", "nn.convolution"},
    "nn.packed": {"nn.errors"},
    "nn.idx": {"nn.errors", "nn.packed"},
    "nn.csv_format": {"nn.errors", "nn.packed"},
    "nn.arrays": {"nn.packed"},
    "nn.checkpoint": {"nn.architectures", "nn.arrays", "nn.layers", "nn.errors", "nn.files"},
    "nn.parallel": {"nn.layers", "nn.losses"},
    "nn.learner": {"nn.layers", "nn.losses", "nn.optimizers", "nn.parallel", "nn.errors"},
    "nn.reader": {"nn.checkpoint", "nn.images", "nn.losses"},
    "nn.near_chance": {"nn.images", "nn.reader"},
    "nn.images": {"nn.brush"},
    "nn.inspection": {"nn.layers", "nn.convolution", "nn.images"},
    "nn.augmentation": {"nn.images"},
    "nn.handwriting": {"nn.images", "nn.brush"},
    "nn.nondigits": {"nn.handwriting", "nn.images"},
    "nn.refusal": {
        "nn.architectures",
        "nn.checkpoint",
        "nn.errors",
        "nn.images",
        "nn.layers",
        "nn.reader",
    },
    "nn.tuning": {
        "nn.architectures",
        "nn.augmentation",
        "nn.checkpoint",
        "nn.dataset",
        "nn.errors",
        "nn.handwriting",
        "nn.images",
        "nn.layers",
        "nn.losses",
        "nn.optimizers",
        "nn.reader",
    },
    "nn.settings": {"nn.architectures", "nn.reader"},
    "nn.resume": {"nn.checkpoint", "nn.errors", "nn.learner", "nn.settings"},
    "nn.plots": {"nn.errors", "nn.files", "nn.learner"},
    "nn.lesson_steps": {
        "nn.architectures", "nn.dataset", "nn.layers", "nn.learner", "nn.losses", "nn.optimizers",
    },
    "nn.lesson_plots": {"nn.architectures", "nn.learner", "nn.lesson_steps", "nn.plots"},
    "nn.onnx_model": {"nn.checkpoint", "nn.errors", "nn.images"},
    "nn.peers": {"nn.architectures", "nn.checkpoint", "nn.onnx_model"},
    "nn.profiling": {
        "nn.architectures", "nn.convolution", "nn.dataset", "nn.layers", "nn.learner",
        "nn.losses", "nn.optimizers", "nn.parallel", "nn.peers",
    },
    "nn.systems": {
        "nn.checkpoint", "nn.dataset", "nn.errors", "nn.layers", "nn.learner", "nn.losses",
        "nn.parallel", "nn.peers", "nn.profiling",
    },
    "nn.workers": {"nn.errors"},
}  # fmt: skip
# They may use all of nn, and nothing uses them.
COMMANDS = {"nn.train", "nn.train_refusal", "nn.evaluate", "nn.compare", "nn.export"}
LESSONS = {
    "nn.lessons",
    "nn.lesson_a",
    "nn.lesson_b",
    "nn.lesson_c",
    "nn.lesson_tables",
}  # show what the commands do, so they may use them as well; nothing else uses them
# What the app sees of nn: a user's view of a trained network, and the common ground.
SEEN_BY_APP = BASIS | {
    "nn.commands", "nn.images", "nn.reader", "nn.plots", "nn.calibration", "nn.inspection",
    "nn.refusal",
}  # fmt: skip
# Some modules see more, and nothing else does: those that train, and the one that has the data.
SEEN_BY = {
    "profile": {"nn.files"},
    "teacher": {"nn.tuning"},
    "teach": {"nn.tuning"},
    "refusals": {"nn.nondigits"},
    "mnist": {"nn.dataset", "nn.download"},
    "training": {
        "nn.architectures", "nn.checkpoint", "nn.dataset", "nn.layers", "nn.learner", "nn.losses",
        "nn.optimizers", "nn.settings",
    },
}  # fmt: skip
WITHOUT_PYGAME = {
    "canvas", "commands", "demonstration", "hand", "layout", "mnist", "networks", "palette",
    "predict", "predictor", "profile", "refusals", "replay", "session", "strokes", "teach",
    "teacher", "training",
}  # fmt: skip
WITHOUT_DRAWING = {"session", "controller", "layout", "training", "networks", "mnist", "drawings"}


def modules(package):
    return sorted(path for path in (ROOT / package).glob("*.py") if path.stem != "__init__")


def imports(path):
    """Every module named in an import anywhere in a file, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module)
            # `from nn import plots` names a module too.
            names |= {
                f"{node.module}.{alias.name}"
                for alias in node.names
                if (ROOT / node.module.replace(".", "/") / f"{alias.name}.py").exists()
            }
    return names


@pytest.mark.parametrize("path", modules("nn"), ids=lambda path: path.stem)
def test_arrows_within_nn(path):
    name = f"nn.{path.stem}"
    used = {other for other in imports(path) if other.startswith("nn.")}
    if name in COMMANDS:
        assert not used & (COMMANDS | LESSONS)
    elif name not in LESSONS:
        assert used <= ALLOWED[name]


@pytest.mark.parametrize("path", modules("nn"), ids=lambda path: path.stem)
def test_nn_knows_neither_the_app_nor_pygame(path):
    roots = {name.split(".")[0] for name in imports(path)}
    frameworks = {"torch", "tensorflow", "jax", "sklearn", "onnxruntime"}
    others = {"app", "pygame", "scipy", "PIL", "pickle"}
    # The one place that trains with others, to be compared with them.
    assert not roots & (others if path.stem == "peers" else others | frameworks)


@pytest.mark.parametrize("path", modules("app"), ids=lambda path: path.stem)
def test_the_app_sees_of_nn_what_a_user_of_a_network_needs(path):
    used = {name for name in imports(path) if name.startswith("nn")}
    assert used - {"nn"} <= SEEN_BY_APP | SEEN_BY.get(path.stem, set())
    if path.stem in WITHOUT_DRAWING:
        assert not imports(path) & {"app.view", "app.panels", "app.text"}
    if path.stem in WITHOUT_PYGAME:
        assert "pygame" not in imports(path)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("nn", {"numpy"}),
        ("nn.learner", {"requests", "matplotlib", "pygame", "tqdm"}),
        ("nn.dataset", {"requests", "matplotlib"}),
        ("app.replay", {"pygame", "requests", "matplotlib"}),
        ("app.predict", {"pygame", "requests", "matplotlib", "tqdm"}),
        ("app.draw", {"requests", "matplotlib", "platformdirs", "tqdm", "http.client"}),
        ("app.draw", {"app.training", "nn.learner", "nn.train", "nn.download", "PIL"}),
    ],
)
def test_nothing_heavy_is_imported_that_is_not_needed(module, unwanted):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(loaded.stdout.split()) & unwanted


EXECUTING = {
    "pickle",
    "marshal",
    "shelve",
    "subprocess",
    "ctypes",
    "runpy",
    "code",
}
NETWORKING = {"requests", "urllib3", "socket", "ssl", "http", "ftplib", "asyncio"}


@pytest.mark.parametrize(
    "path", [*modules("nn"), *modules("app")], ids=lambda path: f"{path.parent.name}.{path.stem}"
)
def test_nothing_is_executed_from_data_and_one_module_knows_the_network(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & EXECUTING
    assert path.stem == "download" or not roots & NETWORKING
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
            assert called not in {"np.load", "numpy.load"}  # nn.arrays reads them itself
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle":
                    assert ast.literal_eval(keyword.value) is False


def test_the_lines_that_mutations_break_are_there_once_each():
    for name, line, _, tests in MUTATIONS:
        assert (ROOT / name).read_text(encoding="utf-8").count(line) == 1, (name, line)
        assert all((ROOT / f"tests/test_{test}.py").exists() for test in tests.split())
