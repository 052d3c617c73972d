"""The house: which folder may import which, how large files may grow, what a command pulls in."""

import ast
import subprocess
import sys

import pytest

from tests.helpers.paths import ROOT

MAX_LINES, MAX_CLASS_LINES, MAX_COMMANDS = 400, 300, 8

# Folder by folder, from the bottom to the top: what each may import besides itself.
SUPPORT = {"nn.support"}
BASICS = SUPPORT | {"nn.network", "nn.handwriting"}
MAY_IMPORT = {
    "nn.support": set(),
    "nn.network": SUPPORT,
    "nn.handwriting": SUPPORT,
    "nn.data": SUPPORT,
    "nn.inference": BASICS,
    "nn.training": BASICS | {"nn.data", "nn.inference"},
    "nn.benchmark": BASICS | {"nn.data", "nn.inference", "nn.training"},
    "nn.lessons": BASICS | {"nn.data", "nn.inference", "nn.training"},
    # The commands, nn/lessons/__main__.py among them.
    "nn": BASICS | {"nn.data", "nn.inference", "nn.training", "nn.benchmark", "nn.lessons"},
}
MAX_LEVELS = 5  # of the folders of nn; the commands stand above them
USING = SUPPORT | {"nn.handwriting", "nn.inference"}  # what using a trained network takes
MAY_IMPORT |= {
    "app.drawing": SUPPORT | {"nn.handwriting"},
    "app.my_digits": USING | {"nn.training", "app.drawing"},
    "app.session": USING | {"nn.training", "nn.data", "app.drawing", "app.my_digits"},
}
BELOW_WINDOW = USING | {"app.drawing", "app.my_digits", "app.session"}
STYLE, INPUT, LAYOUT = "app.window.style", "app.window.input", "app.window.layout"
SCREEN, PANELS = "app.window.screen", "app.window.panels"
MAY_IMPORT |= {
    STYLE: BELOW_WINDOW,
    INPUT: BELOW_WINDOW,
    LAYOUT: BELOW_WINDOW | {STYLE, INPUT},
    SCREEN: BELOW_WINDOW | {STYLE, INPUT, LAYOUT},
    PANELS: BELOW_WINDOW | {STYLE, INPUT, LAYOUT, SCREEN},
    "app.window": BELOW_WINDOW | {STYLE, INPUT, LAYOUT, SCREEN, PANELS},
    "app": BELOW_WINDOW | {"nn.training", STYLE, INPUT, LAYOUT, SCREEN, "app.window"},
}
WITHOUT_PYGAME = ("app.session", "app.my_digits", "app.drawing")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(p): p for top in ("nn", "app") for p in sorted((ROOT / top).rglob("*.py"))}
FOLDERS = {name for name, path in PATHS.items() if path.name == "__init__.py"}


def folder_of(module):
    """A folder's `__main__.py` is a command, as what stands at the root is."""
    if module.endswith(".__main__"):
        return module.split(".")[0]
    return module if module in FOLDERS else module.rpartition(".")[0]


def imports(path):
    """Every module named in an import anywhere in a file, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from nn.support import plots` names a module, `from nn import Linear` does not.
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & set(PATHS)
            names |= inside or {node.module}
    return names


ARROWS = {name: imports(path) & set(PATHS) for name, path in PATHS.items()}
roots_of = {name: {i.split(".")[0] for i in imports(path)} for name, path in PATHS.items()}
modules = pytest.mark.parametrize("module", PATHS)


def test_every_folder_has_a_rule():
    assert {folder_of(module) for module in PATHS} == set(MAY_IMPORT)


@modules
def test_imports_between_folders_run_one_way(module):
    if module == "nn":  # the library's face hands on names from everywhere
        return
    own = folder_of(module)
    used = {folder_of(other) for other in ARROWS[module]} - {own}
    assert used <= MAY_IMPORT[own]


def test_the_rules_themselves_run_one_way():
    levels = {}
    for folder, used in MAY_IMPORT.items():
        assert used <= set(levels), folder
        levels[folder] = 1 + max((levels[other] for other in used), default=0)
    assert max(level for folder, level in levels.items() if folder.startswith("nn.")) == MAX_LEVELS


def test_no_circle_of_imports_even_inside_a_folder():
    left = dict(ARROWS)
    while left:
        free = {module for module, used in left.items() if not used & set(left) - {module}}
        assert free, f"these import each other in a circle: {sorted(left)}"
        left = {module: used for module, used in left.items() if module not in free}


@pytest.mark.parametrize("top", ["nn", "app"])
def test_a_file_at_the_root_is_a_command(top):
    files = [path for path in (ROOT / top).glob("*.py") if path.stem != "__init__"]
    assert 1 < len(files) < MAX_COMMANDS
    for path in files:
        assert '\nif __name__ == "__main__":\n' in path.read_text(encoding="utf-8"), path


@modules
def test_files_and_classes_are_small_enough_to_read(module):
    text = PATHS[module].read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno - node.lineno < MAX_CLASS_LINES, node.name


@modules
def test_no_framework_outside_the_benchmark_and_nn_knows_no_window(module):
    assert not roots_of[module] & {"scipy", "pickle"}
    if not module.startswith("nn.benchmark"):
        frameworks = {"torch", "tensorflow", "jax", "sklearn", "onnxruntime"}
        assert not roots_of[module] & frameworks
    if module.startswith("nn"):
        assert not roots_of[module] & {"app", "pygame", "PIL"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("nn", {"numpy"}),
        ("nn.training.learner", {"requests", "matplotlib", "pygame", "tqdm"}),
        ("nn.data.dataset", {"requests", "matplotlib"}),
        ("app.replay", {"pygame", "requests", "matplotlib"}),
        ("app.predict", {"pygame", "requests", "matplotlib", "tqdm"}),
        (
            "app.draw",
            {"requests", "matplotlib", "platformdirs", "tqdm", "http.client", "PIL"}
            | {"app.session.training", "nn.training.learner", "nn.train", "nn.data.download"},
        ),
    ],
)
def test_nothing_heavy_is_imported_that_is_not_needed(module, unwanted):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not set(loaded.stdout.split()) & unwanted
    assert unwanted <= {*PATHS, *sys.stdlib_module_names, *EXTERNAL} | {"http.client"}


def test_the_session_and_all_below_it_work_without_pygame():
    names = [module for module in PATHS if module.startswith(WITHOUT_PYGAME)]
    assert len(names) > 10
    code = f"import sys; sys.modules['pygame'] = None\nimport {', '.join(names)}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


EXTERNAL = {"numpy", "requests", "matplotlib", "pygame", "tqdm", "platformdirs", "PIL"}
EXECUTING = {"pickle", "marshal", "shelve", "subprocess", "ctypes", "runpy", "code"}
NETWORKING = {"requests", "urllib3", "socket", "ssl", "http", "ftplib", "asyncio"}


@modules
def test_nothing_is_executed_from_data_and_one_module_knows_the_network(module):
    assert not roots_of[module] & EXECUTING
    assert module == "nn.data.download" or not roots_of[module] & NETWORKING
    for node in ast.walk(ast.parse(PATHS[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
            assert called not in {"np.load", "numpy.load"}  # the project reads arrays itself
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle":
                    assert ast.literal_eval(keyword.value) is False
