"""The desktop program: a canvas, a window, and the answer of a trained network."""

import sys

import nn.support.interrupts  # noqa: F401, for Ctrl-C while the rest is loaded

# pygame 2.6 imports it where an older setuptools is installed: a tenth of a second and a warning,
# for what it does as well without. None makes the import fail.
sys.modules.setdefault("pkg_resources", None)  # type: ignore[arg-type]
