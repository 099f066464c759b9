"""What stands in for models and processes: a scripted generator; for tests of a recipe, an encoder and a parser.

A module of recipe tests takes the last two by `encoder, parser = fakes.encoder, fakes.parser`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.core.config import Config, IngestSection, ModelsSection
from assistant.core.records import ModelInfo, Turn
from assistant.models.encoder import Encode, guard_encode
from assistant.models.language_model import Heard, ignore
from ingest import build
from ingest.formats import Parsed, Scans, read_document
from ingest.sandbox import _understood


class ScriptedModel:
    """Replies with the given texts in turn, or with what a function makes of the messages; keeps what it was told."""

    info = ModelInfo("scripted", "fake")

    def __init__(self, *replies: str | Callable[[Sequence[Turn]], str]) -> None:
        self._replies = list(replies)
        self.told: list[Sequence[Turn]] = []

    def ask(self, messages: Sequence[Turn], max_tokens: int, heard: Heard = ignore) -> Future[str]:
        self.told.append(messages)
        made = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        text = made if isinstance(made, str) else made(messages)
        for match in re.finditer(r"\s*\S+|\s+$", text):
            heard(text[: match.end()])
        reply: Future[str] = Future()
        reply.set_result(text)
        return reply


class HashingEncoder:
    """Encodes a text as the signed hashes of its words: microseconds, and like texts are near each other."""

    id, sha, dimensions, max_tokens = "hashing", "0" * 64, 768, 384

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector a text, float32 [n, 768]."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [text]:
                hashed = crc32(word.encode("utf-8", "replace"))
                vectors[row, hashed % self.dimensions] += 1 if hashed & 1 << 20 else -1
            if not vectors[row].any():  # words that cancel each other
                vectors[row, 0] = 1
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if len(texts) else vectors
        return unit

    def knows(self, word: str) -> bool:
        """Tell whether a word is one of the vocabulary's: every word is."""
        return True

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Yield (indices into texts, their vectors)."""
        yield list(range(len(texts))), self.encode(texts)


class InProcessParser:
    """Reads documents as `ParserProcess` does, in this process: nothing is started, and nothing is limited."""

    def __init__(self, settings: IngestSection) -> None:
        self._settings = settings

    def read(self, data: bytes, name: str) -> Parsed:
        """Return what the other process would answer, through JSON as there."""
        scans = Scans(self._settings.ocr_pages, lambda: None)
        parsed = read_document(data, name, int(self._settings.max_file_mb * 2**20), scans)
        answer = _understood(json.dumps(asdict(parsed), default=str, skipkeys=True).encode(errors="backslashreplace"))
        assert isinstance(answer, Parsed)
        return answer

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(name="encoder", scope="session")
def encoder() -> HashingEncoder:
    return HashingEncoder()


@pytest.fixture(name="parser", autouse=True)
def parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "ParserProcess", InProcessParser)
    monkeypatch.setattr(build, "guard_encode", lambda config: one_guard_encode(config.models_dir))


@cache
def one_guard_encode(models: Path) -> Encode:
    """Return what gives the guards their vectors, the real one, which each ingest would open by itself."""
    return guard_encode(Config(models=ModelsSection(dir=str(models))))
