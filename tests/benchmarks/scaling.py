"""How training grows with the data: seconds per image, and memory. Not a test; run it by hand.

python tests/benchmarks/scaling.py FOLDER_WITH_MNIST
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from nn.data.dataset import Dataset, load_mnist
from nn.training.tasks import new_learner, tasks

SIZES = (6_000, 20_000, 60_000)
IMAGES = 120_000  # that each size is trained with in all
TURNS = 5
MEMORY = """
import re, sys
from pathlib import Path
import nn.train
def peak():  # KiB, of this program alone, unlike getrusage's; Linux has it
    return re.search(r"VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1]
before = peak()
options = ["--data-dir", sys.argv[1], "--output", sys.argv[2]]
nn.train.main(["--model", "mlp", "--epochs", "2", *options])
print(before, peak())
"""


def seconds_per_image(dataset, size):
    """Of training `mlp` with the first `size` digits."""
    task = tasks(1)["mlp"]
    part = Dataset(dataset.images[:size], dataset.labels[:size])
    learner = new_learner(task, part, threads=1)
    with threadpool_limits(1, "blas"):
        learner.fit(IMAGES // size, task.learning_rate)
    return sum(epoch.seconds for epoch in learner.history) / (IMAGES // size * size)


def main():
    folder = Path(sys.argv[1])
    train_set, test_set = load_mnist(folder)
    times = {size: [] for size in SIZES}
    for _ in range(TURNS):
        for size in SIZES:
            times[size].append(seconds_per_image(train_set, size))
    medians = {size: statistics.median(values) for size, values in times.items()}
    for size, value in medians.items():
        ratio = value / medians[SIZES[0]]
        print(f"{size:>7,} digits: {1e6 * value:.2f} µs an image, {ratio:.2f} × {SIZES[0]:,}")

    data = train_set.images.nbytes + test_set.images.nbytes
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(folder), str(Path(temporary) / "mlp.npz")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    before, peak = (1024 * int(word) for word in done.stdout.splitlines()[-1].split())
    print(
        f"peak memory of nn.train --model mlp: {peak / 1e6:.0f} MB, of which {before / 1e6:.0f} MB "
        f"are Python and its modules; the rest is {(peak - before) / data:.2f} × the float32 images"
        f" ({data / 1e6:.0f} MB)"
    )


if __name__ == "__main__":
    main()
