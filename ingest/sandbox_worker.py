"""Read documents on request, in a process that `sandbox` starts.

A request is a line of JSON, `[name, max_bytes, size]`, and the document's bytes. An answer is a line of JSON: a
`Parsed` as an object, or the `[reason, detail]` of a rejection; the first one, null, says that the process is ready.
Lines before it, `SCANNED_PAGE`, each say that a page is about to be read by OCR, which has seconds of its own. Nothing
is pickled, since a parser that a document has taken over could then run code in the other process too. The process ends
with its input, even in the middle of a document.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from typing import BinaryIO

from assistant.core.errors import DocumentRejected
from ingest.formats import Parsed, Scans, read_document

OUT_OF_MEMORY = 86  # exit code
SCANNED_PAGE = b'"scanned page"\n'
_GRACE = 5.0  # seconds after which a reader that nobody stopped stops itself


def serve(max_mb: int, max_seconds: float, ocr_seconds: float, ocr_pages: int) -> None:
    """Answer until the input ends; what memory exceeds `max_mb` (MiB of address space) ends the process."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come among the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    _limit(max_mb)
    requests: SimpleQueue[tuple[bytes, str, int]] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    answer: Parsed | tuple[str, str] | None = None

    def begin_page() -> None:
        answers.write(SCANNED_PAGE)
        answers.flush()
        _alarm(_left() + ocr_seconds)

    try:
        while True:
            _answer(answer, answers)
            request = requests.get()
            _alarm(max_seconds + _GRACE)
            try:
                answer = read_document(*request, Scans(ocr_pages, begin_page))
            except DocumentRejected as error:
                answer = error.reason, error.detail
            _alarm(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)


def _answer(answer: Parsed | tuple[str, str] | None, answers: BinaryIO) -> None:
    # Front matter may hold what JSON does not know: dates are then texts, and an entry without a name is of no use.
    raw = asdict(answer) if isinstance(answer, Parsed) else answer
    line = json.dumps(raw, default=str, skipkeys=True, ensure_ascii=False)
    answers.write(line.encode(errors="backslashreplace") + b"\n")  # a lone surrogate is then an escape of JSON's
    answers.flush()


def _receive(requests: SimpleQueue[tuple[bytes, str, int]]) -> None:
    """Pass requests on; a thread of its own notices the end of the input, and so of the parent, at any time."""
    try:
        while True:
            name, max_bytes, size = json.loads(sys.stdin.buffer.readline())
            requests.put((sys.stdin.buffer.read(size), name, max_bytes))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (OSError, ValueError):  # the input has ended
        os._exit(0)


def _alarm(seconds: float) -> None:
    """Let the system end this process then, for a parent that is gone while native code keeps every thread waiting."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _left() -> float:
    """Return the seconds until the system ends this process."""
    return signal.getitimer(signal.ITIMER_REAL)[0] if hasattr(signal, "getitimer") else 0.0


def _limit(max_mb: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows
    with suppress(OSError, ValueError):  # a lower limit is set already, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (max_mb * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave a document's text on the disk
