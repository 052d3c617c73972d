"""python -m nn.export: hand a trained network to other programs.

`--onnx` writes the whole way from images to probabilities, slanted views and temperature included,
for ONNX Runtime, OpenCV and others; `--torch-state-dict` the weights alone, as arrays keyed and
shaped as PyTorch's `Sequential` with the same layers has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nn.inference.checkpoint import load_named, summary
from nn.inference.classifier import DEFAULT_MODEL
from nn.inference.onnx_model import to_onnx
from nn.support.arrays import npz_of
from nn.support.commands import ArgumentParser, json_output, run
from nn.support.errors import UsageError
from nn.support.files import check_writable, write_for_option


def main(argv: Sequence[str] | None = None) -> None:
    """Export as the command line asks."""
    parser = ArgumentParser(prog="nn.export", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a network's file or name")
    parser.add_argument(
        "--onnx",
        type=Path,
        metavar="FILE",
        help="images (N, 1, 28, 28), formerly (N, 784), from 0 paper to 1 ink, to probabilities",
    )
    parser.add_argument(
        "--torch-state-dict", type=Path, metavar="FILE.npz", help="weights, keyed as in PyTorch"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    with json_output(options.json) as emit:
        wanted = {"onnx": options.onnx, "torch-state-dict": options.torch_state_dict}
        if not any(wanted.values()):
            raise UsageError("nothing to write; say --onnx FILE or --torch-state-dict FILE.npz")
        for option, path in wanted.items():
            if path:
                check_writable(path, f"--{option}")
        checkpoint = load_named(options.model)[1]
        if options.onnx:
            content = to_onnx(checkpoint)
            write_for_option(options.onnx, lambda file: file.write(content), "--onnx")
            print(f"saved {options.onnx}: images (N, 1, 28, 28) to probabilities (N, 10)")
        if options.torch_state_dict:
            state: dict[str, Any] = checkpoint.model.state_dict()
            write_for_option(
                options.torch_state_dict,
                lambda file: file.write(npz_of(state)),
                "--torch-state-dict",
            )
            print(f"saved {options.torch_state_dict}: {', '.join(state)}")
        print(summary(checkpoint))
        emit(
            {
                "model": checkpoint.name,
                "parameters": checkpoint.model.count_params(),
                **{key.replace("-", "_"): str(path) for key, path in wanted.items() if path},
            }
        )


if __name__ == "__main__":
    run(main, "nn.export")
