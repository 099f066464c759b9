"""Measure a PDF's compressed streams piece by piece, since pdfium unpacks each whole, up to 1 GiB in two copies."""

from __future__ import annotations

import re
import zlib

from ingest.formats.parsed import reject
from ingest.formats.pdf.settings import LIMITS

_STREAM = re.compile(rb"(?<!end)stream\r?\n")


def check_streams(data: bytes) -> None:
    """Reject a PDF as `too_large` if a stream, with all its layers of compression off, is larger than any page's."""
    for match in _STREAM.finditer(data):
        _check(memoryview(data)[match.end() :], LIMITS.max_depth)


def _check(packed: memoryview, depth: int) -> None:
    if not _is_packed(packed):
        return
    unpacker = zlib.decompressobj()
    size, inner = 0, bytearray()
    for at in range(0, len(packed), LIMITS.chunk):
        try:
            piece = unpacker.decompress(packed[at : at + LIMITS.chunk])
        except zlib.error:
            break  # the rest is damaged, or was never compressed
        if inner or (size == 0 and depth and _is_packed(piece)):
            inner += piece
        size += len(piece)
        if size > LIMITS.max_stream:
            limit = LIMITS.max_stream // 2**20
            raise reject("too_large", f"A part of the PDF unpacks to over {limit} MB, as a decompression bomb does.")
        if unpacker.eof:
            break
    if inner:
        _check(memoryview(bytes(inner)), depth - 1)


def _is_packed(data: memoryview | bytes) -> bool:
    """Whether data begins as zlib's does."""
    return len(data) > 2 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
