"""The desktop program: a canvas, a window, and the answer of a trained network."""

import warnings

# pygame 2.6 imports it where an older setuptools is installed, which no user of ours can mend.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
