"""Keep what libraries say while they train and quantize out of the user's way, and in a file."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TORCH_LOGS": "-all"}


@contextmanager
def libraries_into(path: Path) -> Iterator[None]:
    """Write what is printed and logged into `path`, and ignore warnings: stdout is for our own JSON."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    root = logging.getLogger()
    with path.open("a", encoding="utf-8") as file, redirect_stdout(file), warnings.catch_warnings():
        handler = logging.StreamHandler(file)
        root.addHandler(handler)
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            root.removeHandler(handler)
