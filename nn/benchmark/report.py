"""What a comparison and a profile show: tables, and the seconds as bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nn.benchmark.comparison import Comparison, Row
from nn.benchmark.systems import MANY, SYSTEMS, is_installed
from nn.support.plots import TRAINING, drawn
from nn.training.tasks import Task, tasks

BEST_KNOWN = ("digitpad", "tensorflow", "torch")
HISTORY_COLUMNS = {
    "seconds": "seconds",
    "single_ms": "one digit, ms",
    "many_seconds": f"{MANY:,} at once, s",
}


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
        return f"{title(row):<24} {'one digit':>12} {'ratio':>6} {MANY:>9,} at once  ratio"
    columns = f"{'':24} {'seconds':>8} {'ratio':>6}"
    if not row["batches"]:
        columns += f"  {'training':>8} {'validation':>10} {'accuracy':>9}"
    return f"{title(row)}\n{columns}"


def title(row: Row) -> str:
    """What a row, and those like it, measure."""
    if "single_ms" in row:
        return f"reading with {row['network']}"
    told = f"{row['network']} ({row['layers']}), {row['images']:,} digits"
    if row["batches"]:
        return f"{told}, batches of {row['batch_size']}, only timed"
    return f"{told}, epochs {row['epochs']}, batch {row['batch_size']}"


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


def history_table(machines: Sequence[Row]) -> str:
    """What `medians` gives: a block for each network, machine by machine."""
    lines = []
    for machine in machines:
        when = " to ".join(dict.fromkeys(machine[name][:10] for name in ("first", "last")))
        lines.append(f"\n{machine_words(machine)}; runs: {machine['runs']}, {when}")
        before = None
        for row in machine["rows"]:
            names = ("single_ms", "many_seconds") if "single_ms" in row else ("seconds",)
            if before != title(row):
                before = title(row)
                columns = "".join(f"{HISTORY_COLUMNS[name]:>28} {'ratio':>24}" for name in names)
                lines.append(f"\n{before}\n{'':24} runs{columns}")
            lines.append(
                f"{row['system']:<24} {row['runs']:>4}"
                + "".join(
                    f"{_spread(row.get(name), 3 if name == 'single_ms' else 2):>28} "
                    f"{_spread(row.get(f'{name}_ratio'), 2):>24}"
                    for name in names
                )
            )
    return "\n".join(lines)


def _spread(figure: dict[str, float] | None, places: int) -> str:
    """A median, with the lowest and the highest."""
    if not figure:
        return "–"
    median, low, high = (f"{figure[name]:.{places}f}" for name in ("median", "lowest", "highest"))
    return f"{median} ({low} to {high})"


def machine_words(machine: Row) -> str:
    """What a machine is."""
    return (
        f"{machine['processor']}, cores: {machine['cores']}; "
        f"NumPy multiplies matrices with {machine['blas_kernels']}"
    )


def beside_frameworks(networks: Iterable[str], data_dir: Path | None) -> dict[str, Any]:
    """Train networks with Digitpad and whichever of the best-known frameworks are installed.

    Prints the table; returns its rows, Digitpad's first, and the names of what is not installed.
    """
    present = [key for key in BEST_KNOWN if is_installed(SYSTEMS[key])]
    missing = [SYSTEMS[key].name for key in BEST_KNOWN if key not in present]
    wanted = [tasks(1)[name] for name in networks]
    comparison = Comparison(wanted, present, 1, data_dir, reading=False)
    comparison.run()
    rows = comparison.rows()
    print(table(rows))
    for name in missing:
        print(f"{name:<24} not measured: it is not installed")
    print()
    return {"rows": rows, "not_measured": missing}


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


def plot_comparison(rows: Sequence[Row], path: Path) -> None:
    """The seconds of each training, a panel for each network, a bar for each system."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    with drawn(path, 5 * len(networks), 4) as figure:
        panels = figure.subplots(1, len(networks), squeeze=False)[0]
        for axes, network in zip(panels, networks, strict=True):
            chosen = [row for row in rows if row["network"] == network]
            names = [row["system"] for row in chosen]
            colours = [TRAINING if name == "Digitpad" else "#999999" for name in names]
            bars = axes.barh(names, [row["seconds"] for row in chosen], color=colours)
            axes.bar_label(bars, fmt="%.2f s", padding=3)
            axes.margins(x=0.18)
            axes.invert_yaxis()
            told = f"{chosen[0]['images']:,} digits, epochs {chosen[0]['epochs']}"
            axes.set_title(f"{network}: {told}")
            axes.set_xlabel("seconds")
            axes.spines[["top", "right"]].set_visible(False)
