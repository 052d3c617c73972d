import os
import signal
import subprocess
from pathlib import Path

# The whole suite draws off screen; the real-window tests set the environment of their own process.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# The matrices are small here: BLAS's threads would mostly wait for each other. Before NumPy comes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from nn.support import deadline
from tests.helpers.data_files import write_small_mnist

# A shell's background job ignores Ctrl-C, one under nohup the end of its terminal as well, and so
# would every program that a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
deadline.PATIENCE = 60.0  # no test is to depend on how busy the machine is
# The same examples everywhere, and as long as a busy machine needs for them.
settings.register_profile(
    "digitpad", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("digitpad")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite in three processes, where pytest-xdist is; what is named runs in this.

    A fifth of the time is spent waiting, for windows and servers: three keep two cores busy. Give
    -n to choose the number, -n 0 for none.
    """
    is_whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not config.option.usepdb
    is_first = not hasattr(config, "workerinput")  # and not one of those that this starts
    wanted = getattr(config.option, "numprocesses", 0)
    if is_whole and is_first and wanted is None and (os.cpu_count() or 1) > 1:
        config.option.numprocesses, config.option.dist = 3, "loadfile"


@pytest.fixture(autouse=True)
def _keep_interrupts():
    """A command run in this process ends as a process does: deaf to Ctrl-C but for its status."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """A folder laid out as MNIST: 600 images to learn from and 100 to test with."""
    folder = tmp_path_factory.mktemp("small-mnist")
    write_small_mnist(folder)
    return folder


@pytest.fixture(scope="session")
def data_folder():
    """Where DIGITPAD_DATA says the real digits are; the accuracy checks need them."""
    data = os.environ.get("DIGITPAD_DATA")
    if not data:
        pytest.skip("DIGITPAD_DATA does not name a folder with mnist/ and strokes-dev.jsonl.gz")
    return Path(data)


@pytest.fixture(scope="session")
def mnist_folder(data_folder):
    return data_folder / "mnist"


def pytest_collection_modifyitems(items):
    for item in items:
        if "data_folder" in item.fixturenames:
            item.add_marker("data")


@pytest.fixture
def mount(tmp_path):
    """Mount a small file system where that is allowed; yields a function of the options.

    Called once more, it mounts the same one anew, with "remount,ro" for instance.
    """
    point = tmp_path / "mounted"
    point.mkdir()

    def do(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(point)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a file system is not allowed here")
        return point

    yield do
    if point.is_mount():
        subprocess.run(["umount", str(point)], check=True)
