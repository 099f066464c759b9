"""Serve as the parsers' process does, with parsers that misbehave on files whose names say how."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from ingest import sandbox_worker
from ingest.formats import Parsed, Scans, read_document

left_behind: list[bytes] = []


def misbehave(data: bytes, name: str, max_bytes: int, scans: Scans) -> Parsed:
    match Path(name).stem:
        case "hang":
            time.sleep(600)
        case "stuck":  # in native code that lets no other thread run
            time.sleep(0.2)
            sys.setswitchinterval(600)
            while True:
                pass
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "eat":
            left_behind.append(bytes(2**33))
        case "leave":
            left_behind.append(bytes(300 * 2**20))
        case "print":
            os.write(1, b"what a library has to say")
        case "lie":
            return ("neither", "a document", "nor a rejection")  # type: ignore[return-value]
        case "lack":
            return {"text": "too little"}  # type: ignore[return-value]
        case "scan":  # pages that each take longer than the file alone may
            for _ in range(3):
                scans.begin()
                time.sleep(1)
        case "endless":
            while True:
                scans.begin()
                time.sleep(0.2)
        case "pid":
            return Parsed(str(os.getpid()), name, "text/plain")
    return read_document(data, name, max_bytes, scans)


def serve(max_mb: int, max_seconds: float, ocr_seconds: float, ocr_pages: int) -> None:
    sandbox_worker.read_document = misbehave  # type: ignore[assignment]
    sandbox_worker.serve(max_mb, max_seconds, ocr_seconds, ocr_pages)
