"""The turns of a comparison: which system trains or reads when, and the figures so far."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from nn.benchmark.systems import SYSTEMS, read_once, train_once, trains
from nn.benchmark.workers import WorkerEnded, Workers
from nn.network.architectures import describe
from nn.support.errors import UsageError
from nn.training.tasks import Task

Row = dict[str, Any]

OWN = "digitpad"
AVX2 = {"OPENBLAS_CORETYPE": "Haswell"}  # the oldest processor that has it
BAR: dict[str, Any] = {
    # Without tqdm's own time left, which takes all turns to be equally long.
    "bar_format": "{desc} {bar} {n_fmt}/{total_fmt}",
    "nrows": 20,  # else nothing is shown in a terminal that does not tell its size
}


class Job(NamedTuple):
    """A line of a table: what a system trains, or None where it reads with the shipped `cnn`.

    With `avx2`, OpenBLAS multiplies with its kernels for AVX2 instead of its own choice.
    """

    key: str
    task: Task | None
    avx2: bool = False

    @property
    def name(self) -> str:
        """What the line begins with."""
        return SYSTEMS[self.key].name + (", AVX2" if self.avx2 else "")

    @property
    def network(self) -> str:
        """What is trained or read with."""
        return self.task.network if self.task else "cnn"


class Comparison:
    """Trainings with each network in turn, then, with `reading`, readings; `repeats` turns of each.

    With `avx2`, what NumPy multiplies for is measured with OpenBLAS's kernels for AVX2 as well.
    What has been measured so far can be asked for at any time.
    """

    def __init__(
        self,
        wanted: Sequence[Task],
        keys: Sequence[str],
        repeats: int,
        data_dir: Path | None,
        reading: bool = True,
        avx2: bool = False,
    ) -> None:
        keys = sorted(keys, key=lambda key: key != OWN)  # it first: all ratios are to it
        kinds = [(key, kind) for key in keys for kind in ((False, True) if avx2 else (False,))]
        kinds = [(key, kind) for key, kind in kinds if SYSTEMS[key].numpy or not kind]
        self.groups = [
            *(
                [Job(key, task, kind) for key, kind in kinds if trains(key, task)]
                for task in wanted
            ),
            [Job(key, None, kind) for key, kind in kinds if reading and SYSTEMS[key].classifier],
        ]
        self.repeats, self.data_dir, self.avx2 = repeats, data_dir, avx2
        self._shown: set[Job] = set()
        self.results: dict[Job, list[Row]] = {job: [] for group in self.groups for job in group}
        self.turns: dict[Job, list[float]] = {job: [] for job in self.results}  # seconds of each

    def run(self, show: Callable[[Row], None] | None = None) -> None:
        """Measure all, with progress on standard error; `show` gets each row once it is final."""
        everything = [
            (job, turn, group)
            for group in self.groups
            for turn in range(1, self.repeats + 1)
            for job in group
        ]
        with (
            Workers({job.name: AVX2 for job in self.results if job.avx2}) as workers,
            tqdm(total=len(everything), leave=False, disable=None, **BAR) as bar,
        ):
            for job, turn, group in everything:
                line = self._progress(job, turn)
                bar.set_description_str(line)
                if bar.disable:  # standard error is not a terminal
                    print(line, file=sys.stderr, flush=True)
                start = time.perf_counter()
                self.results[job].append(self._measure(workers, job, turn))
                self.turns[job].append(time.perf_counter() - start)
                bar.update()
                if show and turn == self.repeats:
                    self._show_final(group, show)

    def _show_final(self, group: Sequence[Job], show: Callable[[Row], None]) -> None:
        """Show what has had all its turns, as has Digitpad, to which all ratios are."""
        unfinished = {job for job in group if len(self.results[job]) < self.repeats}
        if any(job.key == OWN for job in unfinished):
            return
        for job in group:
            if job not in unfinished | self._shown:
                self._shown.add(job)
                show(self.row(job))

    def _measure(self, workers: Workers, job: Job, turn: int) -> Row:
        try:
            if not job.task:
                return workers.run(job.name, read_once, job.key, self.data_dir)
            # The same seed gives the same network in each turn. After some batches it is none yet.
            evaluate = turn == 1 and job.task.batches is None
            arguments = (job.key, job.task, self.data_dir, evaluate)
            return workers.run(job.name, train_once, *arguments)
        except (ImportError, WorkerEnded) as error:
            raise UsageError(
                f"{SYSTEMS[job.key].name} does not work here ({error}); "
                f"leave {job.key} out of --systems"
            ) from error

    def _progress(self, job: Job, turn: int) -> str:
        what = job.network if job.task else "reading"
        left = time_left(self.turns, self.repeats)
        told = "not known yet" if left is None else f"about {tqdm.format_interval(left)}"
        return f"{job.name}, {what}, turn {turn} of {self.repeats}, time left {told}"

    def rows(self) -> list[Row]:
        """The figures of each training that has had a turn."""
        return [self.row(job) for job, results in self.results.items() if job.task and results]

    def predictions(self) -> list[Row]:
        """The figures of each system that has had a turn at reading."""
        return [self.row(job) for job, results in self.results.items() if not job.task and results]

    def unfinished(self) -> list[Row]:
        """The rows that have had some of their turns and have not been shown."""
        return [
            self.row(job)
            for job, results in self.results.items()
            if results and job not in self._shown
        ]

    def row(self, job: Job) -> Row:
        """A job's figures, the median of the times that have been measured so far."""
        results = self.results[job]
        row: Row = {
            "system": job.name,
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
            for avx2 in (False, True) if self.avx2 else (False,):
                own = [result[name] for result in self.results.get(Job(OWN, job.task, avx2), ())]
                ratio = row[name] / statistics.median_low(own) if own else None
                row[f"{name}_ratio" + ("_avx2" if avx2 else "")] = ratio
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
