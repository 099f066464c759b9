"""Read PNG, JPEG and TIFF by OCR, decoded by Pillow within bounds: what would take more memory is refused undecoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from assistant.core.errors import DocumentRejected
from ingest.formats.builder import Builder
from ingest.formats.parsed import MAX_PAGES, Parsed, Scans, reject
from ingest.formats.pdf.layout import write_pages
from ingest.formats.scan.ocr import Picture
from ingest.formats.scan.reader import ScanReader

_MAX_PIXELS = 64_000_000  # of a page: A4 at 600 dots an inch has 35, A3 nearly 70 at that
_SIDE = 3_600  # pixels of the longer side that are kept: A4 at 300 dots an inch
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}


def read_picture(data: bytes, suffix: str, scans: Scans) -> Parsed:
    """Return the text of a picture, or of each page of a TIFF; its title is the largest heading of the first.

    Raises DocumentRejected: `damaged`, `too_large` for more pixels than a page has, `no_text`.
    """
    builder = Builder()
    reader = ScanReader(scans, builder)
    pages = [reader.page(at, page) for at, page in enumerate(islice(pictures(data, suffix), MAX_PAGES), 1)]
    reader.close()
    if not any(page.words for page in pages):
        raise reject("no_text", "OCR finds no text in the picture.")
    return builder.build(f"image/{FORMATS[suffix].lower()}", write_pages(pages, builder))


def pictures(data: bytes, suffix: str) -> Iterator[Callable[[], tuple[Picture, float]]]:
    """Yield what decodes a page to (grey values, points a pixel), for each page of a file.

    Both raise DocumentRejected, `damaged` or `too_large`.
    """
    from PIL import Image

    kind = FORMATS[suffix]

    def decoded(frame: int) -> tuple[Picture, float]:
        with _refusals(kind):
            image.seek(frame)
            _check_size(image.size)
            return _grey(image)

    with _refusals(kind):
        image = Image.open(io.BytesIO(data), formats=(kind,))
        _check_size(image.size)
        count = getattr(image, "n_frames", 1) if kind == "TIFF" else 1
    for frame in range(count):
        yield partial(decoded, frame)


@contextmanager
def _refusals(kind: str) -> Iterator[None]:
    """Turn what Pillow says of a broken or huge file into our rejections."""
    from PIL import Image

    try:
        yield
    except Image.DecompressionBombError:
        raise _too_large() from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise reject("damaged", f"The {kind} file is damaged or cut off.") from None


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > _MAX_PIXELS:
        raise _too_large()


def _too_large() -> DocumentRejected:
    return reject("too_large", f"A page of the picture has more than {_MAX_PIXELS // 1_000_000} million pixels.")


def _grey(image: Any) -> tuple[Picture, float]:
    """Return a picture as it is to be looked at, on white where it lets light through."""
    import numpy as np
    from PIL import Image, ImageOps

    dots = float((image.info.get("dpi") or (0, 0))[0])
    side = max(image.size)
    image.draft("L", (_SIDE, _SIDE))  # a JPEG is then decoded no larger than needed
    shown = ImageOps.exif_transpose(image)
    if shown.mode in ("RGBA", "LA", "PA") or "transparency" in shown.info:
        shown = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown.convert("RGBA"))
    shown = _bytes(shown)
    shown.thumbnail((_SIDE, _SIDE))
    points = side * 72 / dots if 100 <= dots <= 1_200 else 842.0
    return np.array(shown), points / max(shown.size)


def _bytes(image: Any) -> Any:
    """Return a picture in grey of 8 bits; Pillow would cut 16 off at 255."""
    if image.mode.startswith("I"):
        import numpy as np
        from PIL import Image

        values = np.asarray(image, dtype=np.float32)
        return Image.fromarray((values * (255 / max(float(values.max()), 1.0))).astype(np.uint8))
    return image.convert("L")
