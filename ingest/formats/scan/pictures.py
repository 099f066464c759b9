"""Read PNG, JPEG and TIFF by OCR, decoded by Pillow within bounds: what would take more memory is refused undecoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ingest.formats.builder import Builder
from ingest.formats.parsed import MAX_PAGES, Parsed, Scans, reject
from ingest.formats.pdf.paragraphs import write_pages
from ingest.formats.scan.ocr import Picture
from ingest.formats.scan.reader import ScanReader

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}


def read_picture(data: bytes, suffix: str, scans: Scans) -> Parsed:
    """Return the text of a picture, or of each page of a TIFF; its title is the largest heading of the first.

    Raises DocumentRejected: `damaged`, `too_large` for more pixels than a page has, `no_text`.
    """
    from PIL import Image

    kind, builder = FORMATS[suffix], Builder()
    reader = ScanReader(scans, builder)
    with _refusals(kind):
        image = Image.open(io.BytesIO(data), formats=(kind,))
        _check_size(image)
        frames = getattr(image, "n_frames", 1) if kind == "TIFF" else 1
    pages = [reader.page(at + 1, partial(_decoded, image, at)) for at in range(min(frames, MAX_PAGES))]
    reader.close()
    if not any(page.words for page in pages):
        raise reject("no_text", "OCR finds no text in the picture.")
    return builder.build(f"image/{kind.lower()}", write_pages(pages, builder))


def _decoded(image: Any, frame: int) -> tuple[Picture, float]:
    """Return a page's grey values and the points of a pixel."""
    with _refusals(image.format):
        image.seek(frame)
        _check_size(image)
        return _grey(image)


@contextmanager
def _refusals(kind: str) -> Iterator[None]:
    """Turn what Pillow says of a broken or huge file into our rejections."""
    from PIL import Image

    try:
        yield
    except Image.DecompressionBombError:
        raise reject("too_large", "A page of the picture has more than 64 million pixels.") from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise reject("damaged", f"The {kind} file is damaged or cut off.") from None


def _check_size(image: Any) -> None:
    """Refuse more than 64 million pixels: A4 at 600 dots an inch has 35, A3 nearly 70 at that."""
    from PIL import Image

    if image.width * image.height > 64_000_000:
        raise Image.DecompressionBombError


def _grey(image: Any, most: int = 3_600) -> tuple[Picture, float]:
    """Return a picture, on white where it lets light through, with `most` pixels a side: A4 at 300 dots an inch."""
    import numpy as np
    from PIL import Image, ImageOps

    dots = float((image.info.get("dpi") or (0, 0))[0])
    side = max(image.size)
    image.draft("L", (most, most))  # a JPEG is then decoded no larger than needed
    shown = ImageOps.exif_transpose(image)
    if shown.mode in ("RGBA", "LA", "PA") or "transparency" in shown.info:
        shown = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown.convert("RGBA"))
    shown = _bytes(shown)
    shown.thumbnail((most, most))
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
