"""Training that can be continued: written after each epoch, read by --resume."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from nn.inference.checkpoint import MAX_NETWORK, load_arrays, save_arrays
from nn.support.errors import CheckpointError, UsageError
from nn.training.callbacks import AverageWeights, BestWeights
from nn.training.learner import Callback, Epoch, Learner
from nn.training.settings import Settings, check

STATE_FORMAT = "digitpad training"
MAX_HISTORY = 12 * 2**20  # bytes: of 50,000 epochs; read, they take thirty times as much
STEPS = "optimizer.steps"
MAX_FIGURE = 1e30  # of a history; no training goes on from a larger loss


class SaveState(Callback):
    """Writes all that `--resume` needs after each epoch."""

    def __init__(
        self,
        path: Path,
        settings: Settings,
        data_checksum: str,
        best: BestWeights,
        average: AverageWeights,
    ) -> None:
        self.path, self.best, self.average = path, best, average
        self.header = {
            "format": STATE_FORMAT,
            "settings": dataclasses.asdict(settings),
            "data_checksum": data_checksum,
        }

    def after_epoch(self, learner: Learner) -> None:
        """Replace the file of the epoch before."""
        assert self.best.best is not None  # since `after_validation`
        best_epoch, best_parameters = self.best.best
        arrays = {"parameters": learner.model.parameters, "best_parameters": best_parameters}
        for key, value in learner.optimizer.state_dict().items():
            arrays[f"optimizer.{key}"] = value
        if self.average.average is not None:
            arrays["average"] = self.average.average
        header = {
            **self.header,
            "average_steps": self.average.steps,
            "history": [dataclasses.asdict(epoch) for epoch in learner.history],
            "best_epoch": best_epoch.number,
        }
        save_arrays(self.path, header, arrays)


def state_path(output: Path) -> Path:
    """Where the training state of a network file is kept."""
    return output.with_name(output.name.removesuffix(".npz") + ".training.npz")


@dataclasses.dataclass
class TrainingState:
    """A training that can be continued, as `SaveState` wrote it."""

    path: Path
    header: dict[str, Any]
    arrays: dict[str, Any]
    settings: Settings
    history: list[Epoch]

    def network_path(self) -> Path:
        """The network file that this training writes."""
        return self.path.with_name(self.path.name.removesuffix(".training.npz") + ".npz")

    def settings_with(self, given: dict[str, Any]) -> Settings:
        """The recorded settings, of which only the number of epochs may be changed."""
        for key, value in given.items():
            recorded = getattr(self.settings, key)
            if key != "epochs" and value != recorded:
                raise UsageError(
                    f"--{key.replace('_', '-')} {value} contradicts {self.path}, which was trained "
                    f"with {recorded}; leave it out, or train anew without --resume"
                )
        settings = dataclasses.replace(self.settings, **given)
        if settings.epochs < len(self.history):
            raise UsageError(
                f"{self.path} has {len(self.history)} epochs already, --epochs {settings.epochs} "
                "asks for fewer; give the number of epochs in all"
            )
        return settings

    def check_data(self, data_checksum: str) -> None:
        """Raise `UsageError` if this is not the data that the training began with."""
        before = self.header["data_checksum"]
        if before != data_checksum:
            raise UsageError(
                f"{self.path} was trained on other data (checksum {before[:12]}…) than is given "
                f"now ({data_checksum[:12]}…); use the same --data-dir as before"
            )

    def restore(self, learner: Learner, best: BestWeights, average: AverageWeights) -> None:
        """Bring a fresh learner and its callbacks to where the training was."""
        own = learner.model.parameters
        vectors = {}
        for key, value in self.arrays.items():
            if key == STEPS:
                continue
            if value.shape != own.shape or not np.isfinite(value).all():
                raise CheckpointError(
                    f"{self.path} holds {value.shape} numbers as {key}, expected {own.shape}, all "
                    "finite; train anew without --resume"
                )
            vectors[key] = value.astype(own.dtype)
        own[...] = vectors["parameters"]
        memory = {key: value for key, value in vectors.items() if key.startswith("optimizer.")}
        if STEPS in self.arrays:
            memory[STEPS] = self.arrays[STEPS]
        learner.optimizer.load_state_dict(
            {key.removeprefix("optimizer."): value for key, value in memory.items()}
        )
        average.average = vectors.get("average")
        average.steps = self.header["average_steps"]
        learner.history = self.history
        learner.epoch = len(self.history)
        best_epoch = self.history[self.header["best_epoch"] - 1]
        best.best = (best_epoch, vectors["best_parameters"])


def load_state(path: Path) -> TrainingState:
    """Read a training state, given its own file or the network file beside it."""
    if not path.name:  # as of the folders . and /
        raise CheckpointError(f"{path} is a folder; expected the file of a training or a network")
    if not path.name.endswith(".training.npz"):
        path = state_path(path)
    header, arrays = load_arrays(path, MAX_HISTORY, most=5 * MAX_NETWORK + MAX_HISTORY)
    try:
        if header["format"] != STATE_FORMAT or not isinstance(header["data_checksum"], str):
            raise ValueError
        recorded = header["settings"]
        if recorded["hidden"] is not None:
            recorded = {**recorded, "hidden": tuple(recorded["hidden"])}
        settings = Settings(**recorded)
        check(settings)
        history = [Epoch(**epoch) for epoch in header["history"]]
        best_epoch, steps = header["best_epoch"], arrays.get(STEPS, np.array(0))
        if not (
            all(_is_epoch(epoch, number) for number, epoch in enumerate(history, 1))
            and type(best_epoch) is int
            and 1 <= best_epoch <= len(history)
            and _is_count(header["average_steps"])
            and arrays.keys() >= {"parameters", "best_parameters"}
            and steps.shape == ()
            and _is_count(steps.item())
        ):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise CheckpointError(
            f"{path} does not hold a training to continue; train anew without --resume"
        ) from None
    return TrainingState(path, header, arrays, settings, history)


def _is_epoch(epoch: Epoch, number: int) -> bool:
    """Whether a recorded epoch has finite figures where they belong."""
    figures: list[Any] = [epoch.seconds, epoch.learning_rate]
    figures += [epoch.train_loss, epoch.train_accuracy]
    if (epoch.validation_loss, epoch.validation_accuracy) != (None, None):
        figures += [epoch.validation_loss, epoch.validation_accuracy]
    return epoch.number == number and all(
        type(figure) in (int, float) and 0 <= figure < MAX_FIGURE for figure in figures
    )


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
