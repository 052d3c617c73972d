"""What each comparison measured, a line of JSON in the user's data folder, and medians over them.

A line that is no result is left where it is and not counted, so nothing in the file is ever lost.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from nn.support.errors import DataError
from nn.support.files import append_lines, open_own, user_folder
from nn.training.parallel import available_cores

Record = dict[str, Any]

FILE = "comparisons.jsonl"
MAX_FILE = 32 * 2**20  # bytes; a whole comparison has some 10,000
# What says that two rows measured the same, and what was measured.
SAME = ("system", "network", "layers", "images", "epochs", "batches", "batch_size")
TIMES = ("seconds", "single_ms", "many_seconds")
RATIOS = tuple(f"{name}_ratio{kernels}" for name in TIMES for kernels in ("", "_avx2"))
MACHINE = ("processor", "cores", "blas_kernels")


def this_machine() -> Record:
    """The processor, how many of its cores may be used, and what multiplies NumPy's matrices."""
    return dict(zip(MACHINE, (_processor(), available_cores(), blas_kernels()), strict=True))


def _processor() -> str:
    with contextlib.suppress(OSError):  # Linux; its `platform.processor` is empty or of no use
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas_kernels() -> str:
    """The library that multiplies NumPy's matrices, and the processor that its code is made for."""
    told = [
        f"{library['internal_api']} {library['version']} for {library.get('architecture')}"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    forced = os.environ.get("OPENBLAS_CORETYPE")
    return ", ".join(told) + (", as OPENBLAS_CORETYPE says" if forced else "")


def history_path() -> Path:
    """Where the results are kept. Raises `DataError` if the user has no home."""
    return user_folder("data") / FILE


def keep(result: Record) -> None:
    """Add the result of a comparison to the others. Raises `DataError` if it cannot be."""
    path = history_path()
    data = json.dumps(result, allow_nan=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size + len(data) > MAX_FILE:
            raise DataError(f"{path} is full; move it away to begin anew")
        append_lines(path, data)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None


def kept() -> tuple[list[Record], int]:
    """The results that have been kept, the oldest first, and how many lines are something else.

    Raises `DataError` if the file cannot be read; one that is not there yet holds none.
    """
    path = history_path()
    try:
        with open_own(path, MAX_FILE) as file:
            lines = [line for line in file.read().split(b"\n") if line.strip()]
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}; move it away to begin anew"
        ) from None
    results = [result for line in lines if (result := _parsed(line))]
    return results, len(lines) - len(results)


def _parsed(line: bytes) -> Record | None:
    """A line's result, with what `medians` needs of it, or None if it is something else."""
    try:
        result = json.loads(line)
        machine = {name: result["machine"][name] for name in MACHINE}
        rows = [
            {name: row[name] for name in (*SAME, *TIMES, *RATIOS) if name in row}
            for row in (*result["rows"], *result["predictions"])
            if row["turns"] == row["repeats"]
        ]
        date = result["date"]
        whole = [type(value) for value in (date, *machine.values())] == [str, str, int, str]
        if not whole or not all(map(_is_row, rows)):
            return None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return {"date": date, "machine": machine, "rows": rows}


def _is_row(row: Record) -> bool:
    """Whether a row is that of a training, or of reading. Raises `KeyError` if it lacks a part."""
    texts, counts, times = ["system", "network"], [], ["single_ms", "many_seconds"]
    if "single_ms" not in row:
        texts, counts, times = [*texts, "layers"], ["images", "epochs", "batch_size"], ["seconds"]
        counts += [] if row["batches"] is None else ["batches"]
    times += [name for name in RATIOS if row.get(name) is not None]
    return (
        all(type(row[name]) is str for name in texts)
        and all(type(row[name]) is int for name in counts)
        and all(type(row[name]) in (int, float) and 0 < row[name] < 1e9 for name in times)
    )


def medians(results: Iterable[Record]) -> list[Record]:
    """For each machine its `runs`, the `first` and `last` dates, and `rows`.

    A row has, of each figure, the median over the runs that measured it (of two in the middle the
    lower), the lowest and the highest.
    """
    machines: dict[tuple[Any, ...], list[Record]] = {}
    for result in results:
        machines.setdefault(tuple(result["machine"].values()), []).append(result)
    return [
        {
            **runs[0]["machine"],
            "runs": len(runs),
            "first": min(run["date"] for run in runs),
            "last": max(run["date"] for run in runs),
            "rows": _rows([row for run in runs for row in run["rows"]]),
        }
        for runs in machines.values()
    ]


def _rows(rows: Sequence[Record]) -> list[Record]:
    same: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        same.setdefault(tuple(row.get(name) for name in SAME), []).append(row)
    # All systems that did the same stand together, whichever run had them first.
    titles = list(dict.fromkeys(key[1:] for key in same))
    return [
        {name: value for name, value in zip(SAME, key, strict=True) if name in same[key][0]}
        | {"runs": len(same[key])}
        | {
            name: {
                "median": statistics.median_low(values),
                "lowest": min(values),
                "highest": max(values),
            }
            for name in (*TIMES, *RATIOS)
            if (values := [row[name] for row in same[key] if row.get(name) is not None])
        }
        for key in sorted(same, key=lambda key: titles.index(key[1:]))
    ]
