"""Read documents on request, in a process that `parser_process` starts: pickled requests in, pickled answers out.

A request is `(data, name, max_bytes)`, an answer a `Parsed` or the `(reason, detail)` of a rejection, and the first
answer, None, says that the process is ready. It ends with its input, even in the middle of a document.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from assistant.core.errors import DocumentRejected
from ingest.formats import Parsed, read_document

OUT_OF_MEMORY = 86  # exit code
_GRACE = 5.0  # seconds after which a reader that nobody stopped stops itself


def serve(max_mb: int, max_seconds: float) -> None:
    """Answer until the input ends; what memory exceeds `max_mb` (MiB of address space) ends the process."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come among the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    _limit(max_mb)
    requests: SimpleQueue[tuple[bytes, str, int]] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests,), daemon=True).start()
    answer: Parsed | tuple[str, str] | None = None
    try:
        while True:
            pickle.dump(answer, answers)
            answers.flush()
            request = requests.get()
            _alarm(max_seconds + _GRACE)
            try:
                answer = read_document(*request)
            except DocumentRejected as error:
                answer = error.reason, error.detail
            _alarm(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)


def _receive(requests: SimpleQueue[Any]) -> None:
    """Pass requests on; a thread of its own notices the end of the input, and so of the parent, at any time."""
    try:
        while True:
            requests.put(pickle.load(sys.stdin.buffer))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except (EOFError, OSError, pickle.UnpicklingError):
        os._exit(0)


def _alarm(seconds: float) -> None:
    """Let the system end this process then, for a parent that is gone while native code keeps every thread waiting."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit(max_mb: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows
    with suppress(OSError, ValueError):  # a lower limit is set already, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (max_mb * 2**20, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave a document's text on the disk
