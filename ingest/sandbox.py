"""Read documents in another process, so that a parser that hangs, crashes or eats memory costs one file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from assistant.core.config import IngestSection
from assistant.core.errors import AssistantError, DocumentRejected
from ingest.formats import Parsed
from ingest.formats.parsed import reject
from ingest.sandbox_worker import OUT_OF_MEMORY, SCANNED_PAGE

WORKER = "ingest.sandbox_worker"
_START = (  # -P: not even these come from the working folder
    "import sys, json, importlib; worker, path, *limits = json.loads(sys.argv[1]); sys.path[:] = path; "
    "importlib.import_module(worker).serve(*limits)"
)
# numpy, which openpyxl imports, and OpenCV reserve memory for a thread a core.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}


class ParserProcess:
    """Starts with the first document, and anew after one that ended it; `close` ends it."""

    def __init__(self, settings: IngestSection) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes, name: str) -> Parsed:
        """Return what `formats.read_document` does.

        Raises DocumentRejected with its codes and with `too_slow`, `crashed` or, for memory, `too_large`, and
        AssistantError if the process cannot be started.
        """
        used = self._process is not None
        try:
            answer = self._ask(data, name)
        except DocumentRejected as error:
            if not used or error.reason == "too_slow":
                raise
            answer = self._ask(data, name)  # what earlier documents left behind may have been to blame
        if isinstance(answer, Parsed):
            return answer
        raise DocumentRejected(*answer)

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, data: bytes, name: str) -> Parsed | tuple[str, str]:
        """Return the answer; raises DocumentRejected if the process ends without one."""
        process = self._process = self._process or self._start()
        requests, answers = _pipes(process)
        timer = _Timer(self._settings.max_seconds, process.kill)
        try:
            timer.start()  # in here: a timer that Ctrl-C left running would hold up the end of the program
            request = json.dumps([name, int(self._settings.max_file_mb * 2**20), len(data)])
            requests.write(request.encode() + b"\n" + data)
            requests.flush()
            line = answers.readline(self._settings.max_parser_mb * 2**20)
            for _ in range(self._settings.ocr_pages):
                if line != SCANNED_PAGE:
                    break
                timer.extend(self._settings.ocr_seconds)
                line = answers.readline(self._settings.max_parser_mb * 2**20)
            answer = _understood(line)
        except (OSError, ValueError, TypeError, LookupError):
            process.kill()  # if it has not ended, what it says cannot be understood
            process.wait()
        else:
            return answer
        finally:
            timer.cancel()
        self.close()
        if timer.expired:
            raise reject("too_slow", f"Reading the file took longer than {timer.seconds:g} s.")
        if process.returncode == OUT_OF_MEMORY:
            raise reject("too_large", f"Reading the file takes over {self._settings.max_parser_mb:,} MB of memory.")
        raise reject("crashed", "The program that reads files of this type crashed on it.")

    def _start(self) -> subprocess.Popen[bytes]:
        limits = self._settings
        seconds = limits.max_seconds, limits.ocr_seconds
        arguments = json.dumps([WORKER, sys.path, limits.max_parser_mb, *seconds, limits.ocr_pages])
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, arguments],
            env={**os.environ, **_ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if _pipes(process)[1].readline() != b"null\n":
            cause = f"the process that reads documents ends as it starts, with exit code {process.wait()}."
            raise AssistantError(cause, "Raise ingest.max_parser_mb if you set it.")
        return process


class _Timer:
    """Ends a process unless it is cancelled in time, which can be extended while it runs."""

    def __init__(self, seconds: float, kill: Callable[[], None]) -> None:
        self.seconds = seconds
        self.expired = False
        self._kill = kill
        self._changed = threading.Condition()
        self._done = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def extend(self, seconds: float) -> None:
        with self._changed:
            self.seconds += seconds

    def cancel(self) -> None:
        with self._changed:
            self._done = True
            self._changed.notify()

    def _run(self) -> None:
        began = time.monotonic()
        with self._changed:
            while not self._done and (left := began + self.seconds - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._done:
                return
            self.expired = True
        self._kill()


def _understood(line: bytes) -> Parsed | tuple[str, str]:
    """Return the answer that a line holds; raises ValueError, TypeError or LookupError if it holds none."""
    raw = json.loads(line)
    if isinstance(raw, list):
        reason, detail = raw
        return str(reason), str(detail)
    raw = dict(raw)
    pairs = {name: tuple(map(tuple, raw.pop(name))) for name in ("emphases", "flags", "links", "ocr")}
    return Parsed(**{**raw, **pairs, "pages": tuple(raw["pages"]), "anchors": tuple(raw["anchors"])})


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout
