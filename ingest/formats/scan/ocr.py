"""Read the lines of type in a picture by OCR: RapidOCR, the only file that calls it.

Its models (PP-OCRv6, Apache-2.0) lie in its wheel and run on ONNX Runtime; it is handed them opened, since it looks for
others on the network. Places are pixels from the picture's top left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assistant.models.onnx_session import OPT_OUT, open_session

DETECTOR, RECOGNISER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_SETTINGS = {
    "Global.log_level": "critical",
    "Global.max_side_len": 20_000,  # what it is given is bounded
    "Global.text_score": 0.0,  # what it is not sure of is ours to leave out
    "Det.limit_type": "max",
    "Det.limit_side_len": 1_280,  # pixels in which lines are looked for; they are read in all that there are
    "Rec.rec_batch_num": 1,  # several are filled up to the longest, and take half as long again
}
_NO_MEMORY = ("bad_alloc", "Failed to allocate", "Insufficient memory", "OutOfMemory")
_LETTERS = {"return_word_box": True, "return_single_char_box": True}
Picture = Any  # a numpy array of grey values, a byte each
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class OcrLine:
    """A line as it was read: its text, about where the middle of each letter is, and how sure that is, from 0 to 1.

    Its box is left, top, right and bottom.
    """

    box: Box
    text: str
    middles: tuple[float, ...]
    score: float


@cache
def open_ocr() -> Ocr:
    """Return the engine, whose models are loaded at their first use."""
    return Ocr()


class Ocr:
    """Finds and reads the lines of pictures."""

    def __init__(self) -> None:
        os.environ.update(OPT_OUT)  # before anything loads ONNX Runtime
        import omegaconf
        import rapidocr

        models = Path(str(rapidocr.__file__)).parent / "models"
        self._engine: Any = rapidocr.RapidOCR(params=dict(_SETTINGS))
        settings = self._engine.cfg
        with _memory(), omegaconf.flag_override(settings, "allow_objects", True):
            # Sessions of ours: threads that wait do not spin, and nothing is looked for on the network.
            threads = min(os.cpu_count() or 1, 4)  # each reserves 70 MB of the parsers' address space
            settings.Det.session = open_session(models / DETECTOR, threads, arena=False)
            settings.Rec.session = open_session(models / RECOGNISER, threads, arena=False)

    def find(self, picture: Picture) -> Sequence[Any]:
        """Return the corners of each line, clockwise from its first letter's top."""
        with _memory():
            found = self._engine(picture, use_det=True, use_cls=False, use_rec=False).boxes
        return [] if found is None else list(found)

    def read(self, picture: Picture) -> list[OcrLine]:
        """Return the lines that are found, in no order to rely on."""
        with _memory():
            found = self._engine(picture, use_det=True, use_cls=False, use_rec=True, **_LETTERS)
        if found.boxes is None:
            return []
        lines = []
        for corners, text, score, letters in zip(
            found.boxes, found.txts, found.scores, found.word_results, strict=False
        ):
            box = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
            if box[3] - box[1] >= 1.5 * (box[2] - box[0]):
                lines += self._read_narrow(picture, box)
            else:
                lines.append(OcrLine(box, text.strip(), _middles(text, letters, box), float(score)))
        return lines

    def _read_narrow(self, picture: Picture, box: Box) -> list[OcrLine]:
        """Read a digit or a letter that stands alone between white margins: it would be laid on its side."""
        import numpy as np

        x0, y0, x1, y1 = (max(0, round(at)) for at in box)
        part = picture[y0:y1, x0:x1]
        wide = np.pad(part, ((0, 0), (part.shape[0], part.shape[0])), mode="edge")
        found = self._engine(wide, use_det=False, use_cls=False, use_rec=True, return_word_box=False)
        text = "".join(found.txts or ()).strip()
        return [OcrLine(box, text, _middles(text, (), box), float(found.scores[0]))] if text else []


@contextmanager
def _memory() -> Iterator[None]:
    """Raise MemoryError for what libraries call it, each in its own way."""
    try:
        yield
    except Exception as error:
        if any(sign in str(error) for sign in _NO_MEMORY):
            raise MemoryError from error
        raise


def _middles(text: str, letters: Any, box: Box) -> tuple[float, ...]:
    """Return where a line's letters are, without its spaces; shared out evenly where the engine does not say."""
    told = [(str(letter), sum(float(x) for x, _ in corners) / len(corners)) for letter, _, corners in letters or ()]
    if "".join(letter for letter, _ in told) == "".join(text.split()):
        return tuple(x for _, x in told)
    text = text.strip()
    width = (box[2] - box[0]) / max(len(text), 1)
    return tuple(box[0] + (at + 0.5) * width for at, letter in enumerate(text) if not letter.isspace())
