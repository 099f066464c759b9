"""An earlier version that an answer tells is one that was superseded, and verify takes no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.proof.verify import verify_answer
from assistant.contract import answer_json, dumps, saved_answer
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.records import make_access

DAY = "2026-06-01"
NOBODY = make_access((), DAY)
HEAD = "---\npolicy_id: HR-050\nversion: '{0}'\n{1}---\n# Sabbaticals\n\nA sabbatical lasts at most {2} months.\n"
VERSIONS = {
    "new.md": HEAD.format("2", "effective: 2025-01-01\nsupersedes: HR-050 v1\n", 3),
    "old.md": HEAD.format("1", "expires: 2024-12-31\n", 12),
    "plan.md": HEAD.format("9", "expires: 2026-05-01\n", 24),
    "parking.md": "---\npolicy_id: FA-007\nexpires: 2024-06-30\n---\n# Parking\n\nVisitors may park for 99 days.\n",
}


def test_an_earlier_version_is_the_one_that_was_superseded(
    index_files: Callable[[Mapping[str, str]], Config],
) -> None:
    with closing(Assistant(index_files(VERSIONS), access=NOBODY)) as opened:
        answer = opened.answer("Does a sabbatical still last at most 12 months?")
        assert [(q.source, q.until) for q in answer.earlier] == [("old.md", "2024-12-31")]
        saved: dict[str, Any] = json.loads(dumps(answer_json(answer)))
        parking = opened.catalog.queries.document("parking.md", make_access((), "2024-06-01"))
        assert parking is not None
        start = parking.text.index("Visitors")
        forged = {
            **saved["earlier"][0],
            "quote": parking.text[start:],
            "source": "parking.md",
            "title": "Parking",
            "headings": ["Parking"],
            "start": start,
            "end": len(parking.text),
            "document_sha256": parking.sha256,
            "until": "2024-06-30",
        }
        for earlier in ([forged], saved["earlier"] * 2 + [{**saved["earlier"][0], "key": 7}]):
            checks = verify_answer(saved_answer({**saved, "earlier": earlier}), opened.catalog, NOBODY)
            assert any(check.problem for check in checks)
        with pytest.raises(UsageError):
            verify_answer(saved_answer({**saved, "earlier": 5}), opened.catalog, NOBODY)
