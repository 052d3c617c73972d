import json
import os
import platform
import re
import subprocess
import sys

import pytest

from nn import compare
from nn.benchmark.history import blas_kernels
from tests.helpers.commands import environment, is_one_line, kept_in, run_command
from tests.helpers.paths import ROOT
from tests.nn.test_compare import Here

HAS_AVX2 = pytest.mark.skipif(
    "openblas" not in blas_kernels() or platform.machine() not in ("x86_64", "AMD64"),
    reason="no OpenBLAS with AVX2",
)


@pytest.fixture
def run_avx2(run, monkeypatch):
    monkeypatch.setattr(compare, "_avx2_kernels", lambda: "a library for Haswell")
    return lambda *seconds, avx2: run(*seconds, "--avx2", "--json", avx2=avx2)


def test_both_kernels_stand_in_one_table(run_avx2):
    done = run_avx2(1.0, 0.5, avx2=(2.0, 0.8))
    result = json.loads(done.stdout)
    keys = ("system", "seconds", "seconds_ratio", "seconds_ratio_avx2")
    assert [tuple(row[key] for key in keys) for row in result["rows"]] == [
        ("Digitpad", 1.0, 1.0, 0.5),
        ("Digitpad, AVX2", 2.0, 2.0, 1.0),
        ("matrix products alone", 0.5, 0.5, 0.25),
        ("matrix products alone, AVX2", 0.8, 0.8, 0.4),
    ]
    assert result["blas_kernels_avx2"] == "a library for Haswell"
    assert re.search(r"\n +seconds +ratio +AVX2 +training", done.stderr)
    # What is printed is final: that of Digitpad too, which is measured before it with AVX2.
    assert re.search(r"\nDigitpad +1\.00 +1\.00 +0\.50\n", done.stderr)
    assert re.search(r"\nmatrix products alone, AVX2 +0\.80 +0\.80 +0\.40\n", done.stderr)
    assert "that say AVX2, with a library for Haswell\n" in done.stderr


def test_ctrl_c_gives_what_waited_for_digitpad_with_avx2(measured, run_avx2, small_mnist):
    measured[:] = [1.0]
    options = ("--systems", "digitpad", "--networks", "mlp", "--repeats", "1", "--avx2")
    done = run_command("nn.compare", *options, "--data-dir", small_mnist)
    assert done.returncode == 130
    assert re.search(r"\nDigitpad +1\.00 +1\.00 +–\n", done.stdout)


def test_the_history_has_both(run_avx2):
    run_avx2(1.0, 0.5, avx2=(2.0, 0.8))
    run_avx2(1.0, 0.5, avx2=(4.0, 0.8))
    done = run_command("nn.compare", "--history")
    assert re.search(r"runs +seconds +ratio +AVX2\n", done.stdout)
    floor = next(line for line in done.stdout.splitlines() if "alone " in line)
    assert re.findall(r"\d\.\d\d", floor)[-3:] == ["0.12", "0.12", "0.25"]


def test_a_table_of_one_kernel_says_nothing_of_it(run):
    done = run(1.0, 0.5, "--json")
    assert "AVX2" not in done.stderr
    assert not any("avx2" in key for row in json.loads(done.stdout)["rows"] for key in row)


def test_where_it_has_no_effect_one_line_says_so(run, monkeypatch):
    monkeypatch.setattr(compare, "Workers", Here)
    monkeypatch.setattr("nn.benchmark.history.blas_kernels", lambda: "accelerate for arm64")
    assert is_one_line(run_command("nn.compare", "--avx2"), "--avx2", "OpenBLAS", "accelerate")


# A library like scikit-learn that fails where it meets a kernel that was asked for.
FAILS_WITH_AVX2 = """
import os
from nn.benchmark.history import blas_kernels
if os.environ.get("OPENBLAS_CORETYPE"):
    raise ImportError(blas_kernels())
ConvergenceWarning = UserWarning
class MLPClassifier:
    __init__ = lambda self, **options: None
    fit = lambda self, images, labels: None
    predict_log_proba = lambda self, images: images[:, :10]
"""


@HAS_AVX2
def test_the_processes_multiply_with_what_the_table_names(small_mnist, tmp_path):
    (tmp_path / "sklearn").mkdir()
    for name in ("__init__", "exceptions", "neural_network"):
        text = "" if name == "__init__" else FAILS_WITH_AVX2
        (tmp_path / "sklearn" / f"{name}.py").write_text(text)
    surroundings = environment(
        **kept_in(tmp_path), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}", OPENBLAS_CORETYPE=None
    )
    ended = subprocess.run(
        [sys.executable, "-m", "nn.compare", "--systems", "sklearn", "--networks", "mlp",
         "--repeats", "1", "--avx2", "--data-dir", str(small_mnist)],
        capture_output=True, text=True, timeout=300, cwd=ROOT, env=surroundings,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "scikit-learn, AVX2, mlp, turn 1 of 1" in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert re.search(r"scikit-learn does not work here \(openblas \S+ for Haswell", last)
