"""The one alias for arrays; docstrings say their shapes and types."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
