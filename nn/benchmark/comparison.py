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
BAR: dict[str, Any] = {
    # Without tqdm's own time left, which takes all turns to be equally long.
    "bar_format": "{desc} {bar} {n_fmt}/{total_fmt}",
    "nrows": 20,  # else nothing is shown in a terminal that does not tell its size
}


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
        """The figures of each training that has had a turn."""
        return [self.row(job) for job, results in self.results.items() if job.task and results]

    def predictions(self) -> list[Row]:
        """The figures of each system that has had a turn at reading."""
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
