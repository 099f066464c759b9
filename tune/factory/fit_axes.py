"""Find the axes that the vector index keeps of an encoder's vectors:  python -m tune.factory.fit_axes

From passages of the fictional organisations (`tune/factory/organisations`) alone, so that whatever else is searched is
new to them. Takes two minutes on two cores; writes `assistant/packaged/encoder/axes.npy`.
"""

from __future__ import annotations

import numpy as np

from assistant.core.config import MPNET, Config
from assistant.index.vectors import AXES
from assistant.models.encoder import open_encoder
from assistant.models.registry import Registry
from tune.factory.measure_encoder import pieces

KEPT = 256
LENGTH = 900  # characters of a passage


def main() -> None:
    """Write the first right singular vectors of the passages' vectors, in float16."""
    config = Config()
    vectors = open_encoder(Registry(config.models_dir), config.encoder, MPNET).encode(pieces(LENGTH))
    _, _, axes = np.linalg.svd(vectors, full_matrices=False)
    np.save(AXES, np.ascontiguousarray(axes[:KEPT].T, np.float16))


if __name__ == "__main__":
    main()
