"""python -m nn.compare: the same trainings in several systems, one after the other, timed.

Each system works in a process of its own, which imports it and loads the digits once. With each
network the systems take turns, and the turns are repeated, so that a busy moment of the machine
strikes them all; the median counts. All train with the same digits, batches, learning rate and
momentum. A row is printed once it is final; Ctrl-C ends the comparison with what has been measured
so far. The network cnn is trained for some batches only, for the time they take: its losses and its
accuracy are not measured, and null in the JSON object.

With --avx2, what NumPy multiplies for is measured twice, with OpenBLAS's own choice of kernels and
with those for AVX2. A second column of ratios is then to Digitpad with AVX2.

Each result is kept in the user's data folder; --history shows, for each machine, the medians over
all of them, and how far they spread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nn.benchmark import history
from nn.benchmark.comparison import AVX2, Comparison, Row
from nn.benchmark.profiling import profile
from nn.benchmark.report import block, history_table, machine_words, plot_comparison, profile_table
from nn.benchmark.systems import SYSTEMS, is_installed, load_parts, trains
from nn.benchmark.workers import Workers
from nn.support import plots
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError, UsageError
from nn.support.files import check_writable
from nn.training.tasks import tasks


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's options."""
    parser = ArgumentParser(prog="nn.compare", description=__doc__)
    add = parser.add_argument
    add(
        "--systems",
        type=_names(SYSTEMS),
        default=",".join(SYSTEMS),
        metavar="A,B",
        help="what to compare, of these; what is not installed is left out",
    )
    add(
        "--networks",
        type=_names(tasks(1)),
        default=",".join(tasks(1)),
        metavar="A,B",
        help="what to train with each, of these",
    )
    add("--repeats", type=number_in(int, 1, 1000), default=3, help="turns of each")
    add("--batches", type=number_in(int, 1, 375), default=50, help="batches for the network cnn")
    add("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    add("--plot", type=Path, metavar="FILE.png", help="draw the seconds as bars")
    add("--profile", action="store_true", help="show where a step's time goes, by layer, instead")
    add("--avx2", action="store_true", help="measure with OpenBLAS's kernels for AVX2 as well")
    add("--history", action="store_true", help="show the medians of all runs so far, instead")
    add("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Compare as the command line asks."""
    options = parse(argv)
    with json_output(options.json) as emit:
        if options.plot:
            plots.require_matplotlib()
            check_writable(options.plot, "--plot")
        if options.history:
            emit(_show_history())
            return
        wanted = [tasks(options.batches)[name] for name in options.networks]
        if options.profile:
            profiles = {}
            for task in wanted:
                profiles[task.network] = profile(task, load_parts(options.data_dir)[0])
                print(profile_table(task.network, profiles[task.network]), flush=True)
            emit({"profiles": profiles})
            return
        chosen = [key for key in options.systems if is_installed(SYSTEMS[key])]
        missing = [SYSTEMS[key].name for key in options.systems if key not in chosen]
        for name in missing:
            print(f"not measured: {name} is not installed", flush=True)
        if not any(
            trains(key, task) or SYSTEMS[key].classifier for key in chosen for task in wanted
        ):
            raise UsageError(
                f"nothing to measure: none of --systems {','.join(chosen)} trains "
                f"{','.join(options.networks)} or reads; choose others"
            )
        avx2_kernels = _avx2_kernels() if options.avx2 else None
        comparison = Comparison(
            wanted, chosen, options.repeats, options.data_dir, avx2=options.avx2
        )
        interrupted = _measure(comparison)
        machine = history.this_machine()
        print(f"\n{machine_words(machine)}")
        if avx2_kernels:
            print(f"in the rows and for the ratios that say AVX2, with {avx2_kernels}")
        rows, predictions = comparison.rows(), comparison.predictions()
        if options.plot and rows:
            plot_comparison(rows, options.plot)
        result = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine,
            "rows": rows,
            "predictions": predictions,
            "not_measured": missing,
            "blas_kernels": machine["blas_kernels"],
            "blas_kernels_avx2": avx2_kernels,
            "interrupted": interrupted is not None,
        }
        emit(result)
        if rows or predictions:
            _keep(result)
        if interrupted:
            raise interrupted


def _measure(comparison: Comparison) -> KeyboardInterrupt | None:
    """Print each row as it comes, after Ctrl-C also the unfinished ones; returns the Ctrl-C."""
    shown: list[Row] = []

    def show(row: Row) -> None:
        tqdm.write(block(row, shown[-1] if shown else None), file=sys.stdout)
        sys.stdout.flush()
        shown.append(row)

    try:
        comparison.run(show)
    except KeyboardInterrupt as error:
        for row in comparison.unfinished():
            show(row)
        return error
    return None


def _avx2_kernels() -> str:
    """What multiplies NumPy's matrices in a process that is told to do it with AVX2.

    Raises `UsageError` if it does not.
    """
    with Workers({"avx2": AVX2}) as workers:
        kernels = workers.run("avx2", history.blas_kernels)
    if f"for {AVX2['OPENBLAS_CORETYPE']}" not in kernels:
        raise UsageError(
            "--avx2 needs a NumPy with OpenBLAS, on a processor that has AVX2; here it multiplies "
            f"matrices with {kernels or 'another library'}; leave --avx2 out"
        )
    return kernels


def _keep(result: dict[str, Any]) -> None:
    """Keep a result beside the earlier ones and say so; if that fails it is only said."""
    try:
        history.keep(result)
        results, strange = history.kept()
    except DataError as error:
        print(f"nn.compare: this result is not kept: {error}", file=sys.stderr)
        return
    same = [each for each in results if each["machine"] == result["machine"]]
    print(
        f"kept in {history.history_path()}, results of this machine there: {len(same)}; "
        "--history shows their medians"
    )
    _say_strange(strange)


def _show_history() -> dict[str, Any]:
    """Print what is known from all runs; returns it."""
    results, strange = history.kept()
    path = history.history_path()
    machines = history.medians(results)
    print(history_table(machines) if machines else f"nothing has been kept yet in {path}")
    _say_strange(strange)
    return {"history": machines, "file": str(path), "strange_lines": strange}


def _say_strange(lines: int) -> None:
    if lines:
        print(
            f"nn.compare: {history.history_path()}: lines that are no result of nn.compare: "
            f"{lines}; they stay there and are not counted",
            file=sys.stderr,
        )


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """An argparse `type` for some of the `known` names, separated by commas."""

    def convert(text: str) -> list[str]:
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"expected names out of {','.join(known)}, received {name!r}"
                )
        return list(dict.fromkeys(text.split(",")))

    return convert


if __name__ == "__main__":
    run(main, "nn.compare")
