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
WIDTH = 27  # of the systems' names
HISTORY = {"seconds": "", "single_ms": ", one digit", "many_seconds": f", {MANY:,} at once"}


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
    ratios = f"{'ratio':>6}" + (f" {'AVX2':>6}" if has_avx2(row) else "")
    if "single_ms" in row:
        return f"{title(row):<{WIDTH}} {'one digit':>12} {ratios} {MANY:>9,} at once {ratios}"
    columns = f"{'':{WIDTH}} {'seconds':>8} {ratios}"
    if not row["batches"]:
        columns += f"  {'training':>8} {'validation':>10} {'accuracy':>9}"
    return f"{title(row)}\n{columns}"


def has_avx2(row: Row) -> bool:
    """Whether a row has ratios to Digitpad with OpenBLAS's kernels for AVX2."""
    return any(name.endswith("_ratio_avx2") for name in row)


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

    def ratios(name: str) -> str:
        values = [row[key] for key in (f"{name}_ratio", f"{name}_ratio_avx2") if key in row]
        return " ".join(f"{value:>6.2f}" if value else f"{'–':>6}" for value in values)

    text = f"{row['system']:<{WIDTH}} "
    if "single_ms" in row:
        text += (
            f"{row['single_ms']:>9.3f} ms {ratios('single_ms')} "
            f"{row['many_seconds']:>15.2f} s {ratios('many_seconds')}"
        )
    else:
        text += f"{row['seconds']:>8.2f} {ratios('seconds')}"
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
        blocks: dict[str, list[tuple[Row, str]]] = {}
        for row in machine["rows"]:
            for name, words in HISTORY.items():
                if name in row:
                    blocks.setdefault(title(row) + words, []).append((row, name))
        for above, figures in blocks.items():
            keys = ["{}", "{}_ratio"]
            if any(f"{name}_ratio_avx2" in row for row, name in figures):
                keys.append("{}_ratio_avx2")
            columns = ("milliseconds" if "single_ms" in figures[0] else "seconds", "ratio", "AVX2")
            told = "".join(f"{column:>24}" for column, _ in zip(columns, keys, strict=False))
            lines.append(f"\n{above}\n{'':{WIDTH}} runs{told}")
            for row, name in figures:
                told = "".join(f"{_spread(row.get(key.format(name))):>24}" for key in keys)
                lines.append(f"{row['system']:<{WIDTH}} {row['runs']:>4}{told}")
    return "\n".join(lines)


def _spread(figure: dict[str, float] | None) -> str:
    """A median, with the lowest and the highest."""
    if not figure:
        return "–"
    return f"{figure['median']:.2f} ({figure['lowest']:.2f} to {figure['highest']:.2f})"


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
        print(f"{name:<{WIDTH}} not measured: it is not installed")
    print()
    return {"rows": rows, "not_measured": missing}


def profile_table(network: str, parts: Sequence[dict[str, Any]]) -> str:
    """Where the time of a step goes."""
    total = sum(part["forward_ms"] + part["backward_ms"] for part in parts)
    width = max(len(part["part"]) for part in parts)
    lines = [
        f"{network}: {total:.2f} ms a batch of {Task.batch_size} on one thread",
        f"{'':{width}} {'forward':>10} {'backward':>10} {'share':>8}",
    ]
    for part in parts:
        share = (part["forward_ms"] + part["backward_ms"]) / total
        lines.append(
            f"{part['part']:<{width}} {part['forward_ms']:>7.3f} ms {part['backward_ms']:>7.3f} ms "
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
            colours = [TRAINING if name.startswith("Digitpad") else "#999999" for name in names]
            bars = axes.barh(names, [row["seconds"] for row in chosen], color=colours)
            axes.bar_label(bars, fmt="%.2f s", padding=3)
            axes.margins(x=0.18)
            axes.invert_yaxis()
            told = f"{chosen[0]['images']:,} digits, epochs {chosen[0]['epochs']}"
            axes.set_title(f"{network}: {told}")
            axes.set_xlabel("seconds")
            axes.spines[["top", "right"]].set_visible(False)
