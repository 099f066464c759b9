"""Question + passage -> a score for each of its sentences, items and rows against "nothing here answers"; no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.config import EncoderSection
from assistant.models.onnx_session import open_graph
from assistant.models.registry import Registry, opening

READER_ID, JUDGE_ID = "mpnet-policy-reader-4", "mpnet-policy-judge-1"  # count their versions
LENGTHS = {"question": 128, "header": 40, "unit": 160, "all": 512}  # tokens, as it was trained; the rest is cut

Floats = NDArray[np.float32]
Read = Callable[[str, str, Sequence[str]], Floats]  # question, header, units -> the units' log-odds


class CrossEncoder:
    """Reads passages with a question; one at a time, so that what is said of one depends on no other."""

    def __init__(self, folder: Path, *, threads: int = 0, remembered: int = 2_048) -> None:
        """Open a folder's graph; `remembered` passages are a hundred questions, asked again or by others."""
        session = open_graph(folder, threads)
        tokenizer = open_tokenizer(folder / "tokenizer.json")
        # Not a method: what holds itself keeps the session's memory until Python's collector comes by.
        self._remembered = lru_cache(remembered)(partial(_read, session, tokenizer))
        self.shared = partial(_shared, session, tokenizer)

    def read(self, question: str, header: str, units: Sequence[str]) -> Floats:
        """Return the log-odds of each unit of a passage against "nothing here answers", [units].

        `header` is the passage's title and headings. What was cut off has -inf.
        """
        return self._remembered(question, header, tuple(units))


class Judge:
    """Reads as a `CrossEncoder`, whose lower layers it shares, what those above were trained to look for otherwise."""

    def __init__(self, folder: Path, reader: CrossEncoder, *, threads: int = 0) -> None:
        """Open a folder's graph, which goes on from the packaged reader's lower layers."""
        self._session = open_graph(folder, threads)
        self._shared = reader.shared

    def read(self, question: str, header: str, units: Sequence[str]) -> Floats:
        """Return the log-odds of each unit against "none of them", [units]; what was cut off has -inf."""
        shared, pooling = self._shared(question, header, tuple(units))
        (logits,) = self._session.run(["logits"], {"shared": shared, "pooling": pooling})
        return _log_odds(logits, pooling)


def _read(session: Any, tokenizer: Any, question: str, header: str, units: tuple[str, ...]) -> Floats:
    inputs = _inputs(tokenizer, question, header, units)
    (logits,) = session.run(["logits"], inputs)
    found = _log_odds(logits, inputs["pooling"])
    found.flags.writeable = False  # it is given to whoever asks the same
    return found


def _shared(session: Any, tokenizer: Any, question: str, header: str, units: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Return what the lower layers give, [1, tokens, hidden], and the units' pooling."""
    inputs = _inputs(tokenizer, question, header, units)
    return session.run(["shared"], inputs)[0], inputs["pooling"]


def _inputs(tokenizer: Any, question: str, header: str, units: tuple[str, ...]) -> dict[str, Any]:
    ids, owner = layout(tokenizer, question, header, units)
    counts = np.bincount(owner, minlength=len(units) + 1)[1:]
    pooling = (owner[None, :] == np.arange(1, len(units) + 1)[:, None]).astype(np.float32)
    pooling /= np.maximum(counts, 1)[:, None].astype(np.float32)
    return {"input_ids": ids[None, :], "pooling": pooling}


def _log_odds(logits: Floats, pooling: Floats) -> Floats:
    return np.where(pooling.any(axis=1), logits[1:] - logits[0], -np.inf).astype(np.float32)


def open_tokenizer(path: Path) -> Any:
    """Open a tokenizer that neither cuts nor pads."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def layout(
    tokenizer: Any, question: str, header: str, units: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the token ids of `<s> question </s></s> header units </s>` and the unit of each, counted from 1."""
    start, end = tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>")
    encoded = tokenizer.encode_batch([question, header, *units], add_special_tokens=False)
    kinds = ("question", "header", *("unit" for _ in units))
    parts = [e.ids[: LENGTHS[kind]] for e, kind in zip(encoded, kinds, strict=True)]
    ids = [start, *parts[0], end, end, *parts[1]]
    owner = [0] * len(ids)
    for number, part in enumerate(parts[2:], 1):
        kept = part[: max(0, LENGTHS["all"] - 1 - len(ids))]
        ids += kept
        owner += [number] * len(kept)
    return np.array([*ids, end], np.int64), np.array([*owner, 0], np.int64)


def open_judge(registry: Registry, settings: EncoderSection, reader: CrossEncoder) -> Judge:
    """Open the judge on the packaged reader's layers; raises ModelMissing or ModelDamaged."""
    record = registry.load(JUDGE_ID)
    with opening(record):
        return Judge(registry.path(JUDGE_ID), reader, threads=settings.threads)


def open_reader(registry: Registry, settings: EncoderSection, model_id: str = READER_ID) -> CrossEncoder:
    """Open a reader; raises ModelMissing or ModelDamaged."""
    record = registry.load(model_id)
    with opening(record):
        return CrossEncoder(registry.path(model_id), threads=settings.threads)
