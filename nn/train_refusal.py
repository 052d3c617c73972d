"""The former name of `python -m nn.train_rejection`, which goes on working."""

from nn.support.commands import run
from nn.train_rejection import main

if __name__ == "__main__":
    run(main, "nn.train_rejection")
