"""Vectors of fewer dimensions, to find who is near; who is nearest, the whole vectors in the catalog say.

A third of the dimensions is a third of the memory, of the files, and of the time to copy and to open them. What is lost
so is got back by asking for more of the near ones (`WIDER`) and ranking them by their whole vectors.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from assistant.core.files import PACKAGED

AXES = PACKAGED / "encoder" / "axes.npy"
WIDER = 2  # times as many are looked for as are wanted

Floats = NDArray[np.float32]


def reduced(vectors: Floats) -> Floats:
    """Return vectors [n, dimensions] along the axes on which texts differ most; another encoder's as they are.

    The axes are the first right singular vectors of passages' vectors, so cosines keep as near to what they were as
    so few numbers can (Eckart and Young, "The approximation of one matrix by another of lower rank", 1936).
    """
    axes = _axes()
    return vectors @ axes if vectors.shape[-1] == len(axes) else vectors


@cache
def _axes() -> Floats:
    """Return the packaged axes of MPNet's vectors, [dimensions, fewer]."""
    axes: Floats = np.load(AXES).astype(np.float32)
    return axes
