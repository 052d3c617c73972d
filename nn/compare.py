"""python -m nn.compare: the same trainings in several systems, one after the other, timed.

Each system works in a process of its own, which imports it and loads the digits once. With each
network the systems take turns, and the turns are repeated, so that all meet the same moods of the
machine; the median counts. All train with the same digits, batches, learning rate and momentum. A
row is printed once it is final; Ctrl-C ends the comparison with what has been measured so far.
The network cnn is trained for some batches only, for the time they take: its losses and its
accuracy are not measured, and null in the JSON object.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from threadpoolctl import threadpool_info
from tqdm import tqdm

from nn.benchmark.frameworks import Task
from nn.benchmark.profiling import profile
from nn.benchmark.systems import (
    MANY,
    SYSTEMS,
    is_installed,
    load_parts,
    read_once,
    tasks,
    train_once,
    trains,
)
from nn.benchmark.workers import WorkerEnded, Workers
from nn.network.architectures import describe
from nn.support import plots
from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import UsageError
from nn.support.files import check_writable

Row = dict[str, Any]

OWN = "digitpad"
BAR: dict[str, Any] = {
    # Without tqdm's own time left, which takes all turns to be equally long.
    "bar_format": "{desc} {bar} {n_fmt}/{total_fmt}",
    "nrows": 20,  # else nothing is shown in a terminal that does not tell its size
}


def main(argv: Sequence[str] | None = None) -> None:
    """Compare as the command line asks."""
    parser = ArgumentParser(prog="nn.compare", description=__doc__)
    everything = ",".join(SYSTEMS)
    networks = ",".join(tasks(1))
    parser.add_argument(
        "--systems",
        type=_names(SYSTEMS),
        default=everything,
        metavar="A,B",
        help="what to compare, of these; what is not installed is left out",
    )
    parser.add_argument(
        "--networks",
        type=_names(tasks(1)),
        default=networks,
        metavar="A,B",
        help="what to train with each, of these",
    )
    parser.add_argument("--repeats", type=number_in(int, 1, 1000), default=3, help="turns of each")
    parser.add_argument(
        "--batches", type=number_in(int, 1, 375), default=50, help="batches for the network cnn"
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder with the MNIST files")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the seconds as bars")
    parser.add_argument(
        "--profile", action="store_true", help="show where a step's time goes, by layer, instead"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit:
        if options.plot:
            plots.require_matplotlib()
            check_writable(options.plot, "--plot")
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
        comparison = Comparison(wanted, chosen, options.repeats, options.data_dir)
        shown: list[Row] = []

        def show(row: Row) -> None:
            tqdm.write(block(row, shown[-1] if shown else None), file=sys.stdout)
            sys.stdout.flush()
            shown.append(row)

        interrupted = None
        try:
            comparison.run(show)
        except KeyboardInterrupt as error:
            interrupted = error
            for row in comparison.unfinished():
                show(row)
        kernels = blas_kernels()
        print(f"\nNumPy multiplies matrices with {kernels}")
        rows = comparison.rows()
        if options.plot and rows:
            plots.plot_comparison(rows, options.plot)
        emit(
            {
                "rows": rows,
                "predictions": comparison.predictions(),
                "not_measured": missing,
                "blas_kernels": kernels,
                "interrupted": interrupted is not None,
            }
        )
        if interrupted:
            raise interrupted


def blas_kernels() -> str:
    """The library that multiplies NumPy's matrices, and the processor that its code is made for."""
    told = [
        f"{library['internal_api']} {library['version']} for {library.get('architecture')}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    forced = os.environ.get("OPENBLAS_CORETYPE")
    return ", ".join(told) + (", as OPENBLAS_CORETYPE says" if forced else "")


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


class Job(NamedTuple):
    """A line of a table: what a system trains, or None where it reads with the shipped `cnn`."""

    key: str
    task: Task | None

    @property
    def network(self) -> str:
        """What is trained or read with."""
        return self.task.network if self.task else "cnn"


class Comparison:
    """Trainings with each network in turn, then, with `reading`, readings; `repeats` turns of each.

    What has been measured so far can be asked for at any time.
    """

    def __init__(
        self,
        wanted: Sequence[Task],
        keys: Sequence[str],
        repeats: int,
        data_dir: Path | None,
        reading: bool = True,
    ) -> None:
        keys = sorted(keys, key=lambda key: key != OWN)  # it first: all ratios are to it
        self.groups = [
            *([Job(key, task) for key in keys if trains(key, task)] for task in wanted),
            [Job(key, None) for key in keys if reading and SYSTEMS[key].classifier],
        ]
        self.repeats, self.data_dir = repeats, data_dir
        self.results: dict[Job, list[Row]] = {job: [] for group in self.groups for job in group}
        self.turns: dict[Job, list[float]] = {job: [] for job in self.results}  # seconds of each

    def run(self, show: Callable[[Row], None] | None = None) -> None:
        """Measure all, with progress on standard error; `show` gets each row once it is final."""
        everything = [
            (job, turn)
            for group in self.groups
            for turn in range(1, self.repeats + 1)
            for job in group
        ]
        with (
            Workers() as workers,
            tqdm(total=len(everything), leave=False, disable=None, **BAR) as bar,
        ):
            for job, turn in everything:
                line = self._progress(job, turn)
                bar.set_description_str(line)
                if bar.disable:  # standard error is not a terminal
                    print(line, file=sys.stderr, flush=True)
                start = time.perf_counter()
                self.results[job].append(self._measure(workers, job, turn))
                self.turns[job].append(time.perf_counter() - start)
                bar.update()
                if show and turn == self.repeats:
                    show(self.row(job))

    def _measure(self, workers: Workers, job: Job, turn: int) -> Row:
        try:
            if not job.task:
                return workers.run(job.key, read_once, job.key, self.data_dir)
            # The same seed gives the same network in each turn. After some batches it is none yet.
            evaluate = turn == 1 and job.task.batches is None
            return workers.run(job.key, train_once, job.key, job.task, self.data_dir, evaluate)
        except (ImportError, WorkerEnded) as error:
            raise UsageError(
                f"{SYSTEMS[job.key].name} does not work here ({error}); "
                f"leave {job.key} out of --systems"
            ) from error

    def _progress(self, job: Job, turn: int) -> str:
        what = job.network if job.task else "reading"
        left = time_left(self.turns, self.repeats)
        told = "not known yet" if left is None else f"about {tqdm.format_interval(left)}"
        return f"{SYSTEMS[job.key].name}, {what}, turn {turn} of {self.repeats}, time left {told}"

    def rows(self) -> list[Row]:
        """What is known of each training that has had a turn."""
        return [self.row(job) for job, results in self.results.items() if job.task and results]

    def predictions(self) -> list[Row]:
        """What is known of each reader that has had a turn."""
        return [self.row(job) for job, results in self.results.items() if not job.task and results]

    def unfinished(self) -> list[Row]:
        """The rows that have had some of their turns, but not all."""
        return [
            self.row(job)
            for job, results in self.results.items()
            if 0 < len(results) < self.repeats
        ]

    def row(self, job: Job) -> Row:
        """A job's figures, the median of the times that have been measured so far."""
        results = self.results[job]
        row: Row = {
            "system": SYSTEMS[job.key].name,
            "network": job.network,
            "turns": len(results),
            "repeats": self.repeats,
        }
        if job.task:
            row |= {
                "layers": describe(job.task.architecture),
                "epochs": job.task.epochs,
                "batches": job.task.batches,
                "batch_size": job.task.batch_size,
                "train_loss": None,
                "validation_loss": None,
                "validation_accuracy": None,
                "all_seconds": [round(result["seconds"], 4) for result in results],
            }
        row |= results[0]
        for name in ("seconds",) if job.task else ("single_ms", "many_seconds"):
            row[name] = statistics.median_low(result[name] for result in results)
            own = [result[name] for result in self.results.get(Job(OWN, job.task), ())]
            row[f"{name}_ratio"] = row[name] / statistics.median_low(own) if own else None
        return row


def time_left(turns: Mapping[Job, Sequence[float]], repeats: int) -> float | None:
    """Seconds until each job has had all its turns, from the seconds of those it has had.

    A job's next turn is taken to last as long as its latest, its first as long as the latest of the
    other jobs on average; None if there is none.
    """
    latest = [seconds[-1] for seconds in turns.values() if seconds]
    if not latest:
        return None
    usual = statistics.fmean(latest)
    return sum(
        (repeats - len(seconds)) * (seconds[-1] if seconds else usual) for seconds in turns.values()
    )


def table(rows: Sequence[Row]) -> str:
    """Trainings and readings, a block for each network."""
    return "\n".join(block(row, before) for before, row in zip([None, *rows], rows, strict=False))


def block(row: Row, before: Row | None) -> str:
    """A row's line in the table, under a heading if it is another than of the row `before` it."""
    if before and heading(before) == heading(row):
        return line(row)
    return f"\n{heading(row)}\n{line(row)}"


def heading(row: Row) -> str:
    """What stands above a row, and above those like it."""
    if "single_ms" in row:
        title = f"reading with {row['network']}"
        return f"{title:<24} {'one digit':>12} {'ratio':>6} {MANY:>9,} at once  ratio"
    title = f"{row['network']} ({row['layers']}), {row['images']:,} digits"
    columns = f"{'':24} {'seconds':>8} {'ratio':>6}"
    if row["batches"]:
        return f"{title}, batches of {row['batch_size']}, only timed\n{columns}"
    columns += f"  {'training':>8} {'validation':>10} {'accuracy':>9}"
    return f"{title}, epochs {row['epochs']}, batch {row['batch_size']}\n{columns}"


def line(row: Row) -> str:
    """A row's figures, and how many turns they come from where that is not all."""

    def ratio(name: str) -> str:
        return f"{row[name]:.2f}" if row[name] else "–"

    text = f"{row['system']:<24} "
    if "single_ms" in row:
        text += (
            f"{row['single_ms']:>9.3f} ms {ratio('single_ms_ratio'):>6} "
            f"{row['many_seconds']:>15.2f} s {ratio('many_seconds_ratio'):>6}"
        )
    else:
        text += f"{row['seconds']:>8.2f} {ratio('seconds_ratio'):>6}"
        if row["validation_loss"] is not None:
            text += (
                f"  {row['train_loss']:>8.4f} {row['validation_loss']:>10.4f} "
                f"{100 * row['validation_accuracy']:>7.2f} %"
            )
    unfinished = row["turns"] < row["repeats"]
    return f"{text}  (turns: {row['turns']} of {row['repeats']})" if unfinished else text


def profile_table(network: str, parts: Sequence[dict[str, Any]]) -> str:
    """Where the time of a step goes."""
    total = sum(part["forward_ms"] + part["backward_ms"] for part in parts)
    lines = [
        f"{network}: {total:.2f} ms a batch of {Task.batch_size} on one thread",
        f"{'':36} {'forward':>10} {'backward':>10} {'share':>8}",
    ]
    for part in parts:
        share = (part["forward_ms"] + part["backward_ms"]) / total
        lines.append(
            f"{part['part']:<36} {part['forward_ms']:>7.3f} ms {part['backward_ms']:>7.3f} ms "
            f"{100 * share:>6.1f} %"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    run(main, "nn.compare")
