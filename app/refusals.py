"""The former name of `python -m app.rejections`, which goes on working."""

from app.rejections import main
from nn.support.commands import run

if __name__ == "__main__":
    run(main, "app.rejections")
