"""The log says what was asked and shown, masked; a line can be asked again. `test_ledger` has what it is kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import Confidence, Point
from assistant.answer.features import READING_FEATURES
from assistant.audit.ledger import FILE_NAME
from assistant.audit.trail import MAX_TEXT_BYTES, Audit, differences, headings_hash, history_of, quote_hash
from assistant.contract import dumps
from assistant.core.config import AuditSection, Config
from assistant.core.errors import AssistantError, ConfigError, GateFailed, UsageError
from assistant.core.records import MAX_QUESTION, Turn, make_access
from assistant.models.logistic import Logistic
from tests.office_files import FILES

CARRY = "How much annual leave may employees carry over?"
CARD = "4111 1111 1111 1111"
POSIX = pytest.mark.skipif(os.name == "nt", reason="POSIX rights")


@pytest.fixture
def logged(
    make_config: Callable[..., Config], write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> Assistant:
    config = make_config()
    run_ingest(config, write_files(FILES))
    return Assistant(config, audit=True)


def test_every_answer_is_a_line_and_masked(logged: Assistant) -> None:
    logged.answer(CARRY)
    logged.answer(f"May I pay with my card {CARD}, or ask jane.doe@example.com?")
    logged.answer("And for contractors?", [Turn("user", f"{CARRY} My card is {CARD}."), Turn("assistant", "No.")])
    audit = Audit(logged.config)
    entries = list(audit.entries())
    assert [entry.raw["question"] for entry in entries][::2] == [CARRY, "And for contractors?"]
    assert entries[0].raw["status"] == "answered" and entries[0].raw["sources"][0]["source"] == "hr/leave.md"
    text = (logged.config.data / FILE_NAME).read_text(encoding="utf-8")
    assert CARD not in text and "jane.doe" not in text and CARRY in text
    assert audit.verify() == 3


def test_what_one_text_of_a_line_names_is_masked_in_the_next(logged: Assistant) -> None:
    begun = [Turn("user", "Who pays for hotels?"), Turn("user", "My passport number is")]
    logged.answer("is 53312087 good for travel?", about="my passport number")
    logged.answer("53312087", begun, about="contractor")
    logged.answer("Who pays?", [*begun, Turn("user", "53312087")])
    text = (logged.config.data / FILE_NAME).read_text(encoding="utf-8")
    assert "53312087" not in text and text.count("[passport number removed]") == 3
    first, second, third = (entry.raw for entry in Audit(logged.config).entries())
    assert (first["about"], first["question"]) == (
        "my passport number", "is [passport number removed] good for travel?"
    )  # fmt: skip
    assert (second["about"], second["history"]) == ("contractor", [turn.content for turn in begun])
    assert third["question"] == "Who pays?"


def test_a_line_is_asked_again_and_says_what_changed(
    logged: Assistant, write_files: Callable[[dict[str, str]], Path], run_ingest: Callable[..., Any]
) -> None:
    history = [Turn("user", CARRY)]
    logged.answer("And when do they expire?", history)
    audit = Audit(logged.config)
    [entry] = audit.entries()
    assert audit.find(entry.id[:6]).raw == entry.raw
    again = Assistant(logged.config)
    assert differences(entry, again.answer(entry.raw["question"], history_of(entry)), logged.config) == []
    leave = FILES["hr/leave.md"].replace("31 March", "30 June")
    run_ingest(logged.config, write_files({**FILES, "hr/leave.md": leave}))
    changed = differences(entry, again.answer(entry.raw["question"], history_of(entry)), logged.config)
    assert changed[0] == "what changed are the passages that were found"
    assert len(changed) == 2 and changed[1].startswith("generation was")
    with pytest.raises(UsageError, match="no log entry"):
        audit.find("ffffffffffff0")


def test_a_line_holds_the_questions_that_decided_what_was_asked_and_no_others(logged: Assistant) -> None:
    asked = ["Who books a hotel?", CARRY, "And for contractors?", "And in Utrecht?"]
    history = [turn for text in asked for turn in (Turn("user", text), Turn("assistant", "No."))]
    history += [Turn("user", "Thanks!"), Turn("assistant", "Gladly.")]
    answer = logged.answer("And when do they expire?", history)
    [entry] = Audit(logged.config).entries()
    assert entry.raw["history"] == asked[1:]
    again = Assistant(logged.config).answer(entry.raw["question"], history_of(entry))
    assert again.text == answer.text and differences(entry, again, logged.config) == []


@pytest.mark.parametrize("sign", ["\x7f", "\U000e0001", "漢", "a@b.de, "])
def test_an_asker_cannot_write_a_line_of_any_length(logged: Assistant, sign: str) -> None:
    history = [Turn("user", ("and so on " * 6 + sign * 16_000)[:16_000])] * 20  # no small talk
    named = Assistant(replace(logged.config, audit=AuditSection(names=True)), audit=True)
    found = named.answer((sign * 4_000)[:4_000], history, access=replace(make_access(), asker=sign * 9_000))
    [entry] = Audit(logged.config).entries()
    texts = [entry.raw["question"], *entry.raw["history"], entry.raw["asker"]]
    assert len(texts) == 5 and all(0 < len(text) <= MAX_QUESTION for text in texts) and found.log_id
    assert all(len(dumps(text).encode()) <= MAX_TEXT_BYTES + 2 for text in texts)
    assert (logged.config.data / FILE_NAME).stat().st_size < 6 * MAX_TEXT_BYTES


def test_nothing_is_answered_that_cannot_be_logged(logged: Assistant) -> None:
    (logged.config.data / FILE_NAME).mkdir()
    with pytest.raises(AssistantError, match=r"audit\.jsonl.* cannot be written"):
        logged.answer(CARRY)


def test_who_asked_is_named_only_where_the_settings_say_so(logged: Assistant) -> None:
    anna = replace(make_access(["hr"]), asker="anna")
    named = Assistant(replace(logged.config, audit=AuditSection(names=True)), audit=True)
    for assistant in (logged, named):
        assistant.answer(CARRY, access=anna)
        assistant.search(CARRY, access=anna)
    named.answer(CARRY)
    text = (logged.config.data / FILE_NAME).read_text(encoding="utf-8")
    assert [json.loads(line).get("asker") for line in text.splitlines()] == [None, None, "anna", "anna", None]
    assert Audit(logged.config).verify() == 5


def test_it_can_be_switched_off(logged: Assistant) -> None:
    assistant = Assistant(replace(logged.config, audit=AuditSection(enabled=False)), audit=True)
    assistant.answer(CARRY)
    assert not (logged.config.data / FILE_NAME).exists()
    assert Audit(logged.config).verify() == 0


def test_a_line_that_is_not_json_is_named(logged: Assistant) -> None:
    logged.answer(CARRY)
    with (logged.config.data / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps({})[:-1] + "\n")
    with pytest.raises(GateFailed, match="line 2 is no line of the log: Expecting"):
        Audit(logged.config).verify()


def test_a_line_says_what_was_shown_and_to_whom(logged: Assistant) -> None:
    access = make_access(["hr", "board"], "2026-01-15")
    answer = logged.answer(CARRY, access=access)
    found = logged.search("hotel night", access=access)
    nothing = logged.search("zzz", access=access)
    first, second, third = (entry.raw for entry in Audit(logged.config).entries())
    for raw in (first, second, third):
        assert (raw["command"], raw["roles"], raw["as_of"]) == ("python", ["board", "hr"], "2026-01-15")
    quote = answer.citations[0]
    place = {"source": "hr/leave.md", "sha256": quote.document_sha256, "start": quote.start, "end": quote.end}
    hashes = {"quote_sha256": quote_hash(quote.quote), "headings_sha256": headings_hash(quote.title, quote.headings)}
    assert {**place, **hashes} in first["sources"]
    assert [hit["source"] for hit in first["hits"]] == [hit.source for hit in answer.hits]
    assert [hit["source"] for hit in second["sources"]] == [hit.source for hit in found.hits]
    assert (second["question"], second["answer_sha256"]) == ("hotel night", "") and third["status"] == nothing.status


def test_a_passage_handed_to_langchain_is_logged(logged: Assistant) -> None:
    logged.as_retriever().invoke("hotel night with my card " + CARD)
    [entry] = Audit(logged.config).entries()
    assert entry.raw["sources"] and CARD not in entry.raw["question"]
    with pytest.raises(UsageError, match="is not an answer"):
        Audit(logged.config).find_answer(entry.id)


def test_a_closest_quote_is_a_source(logged: Assistant) -> None:
    even = Logistic(READING_FEATURES, (0.0,) * len(READING_FEATURES), 0.0)
    doubt = Confidence(even, (Point(0.9, 1000, 0, 0.003),), {})
    with closing(Assistant(logged.config, audit=True, confidence=doubt)) as unsure:
        answer = unsure.answer(CARRY)
    [entry] = Audit(logged.config).entries()
    assert answer.status == "abstained" and answer.closest
    assert [source["start"] for source in entry.raw["sources"]] == [quote.start for quote in answer.closest]


# --- the key ---------------------------------------------------------------------------------------------------------


def with_key(config: Config, name: str) -> Config:
    return replace(config, audit=AuditSection(key_file=name))


def test_with_a_key_the_log_is_signed(logged: Assistant, tmp_path: Path) -> None:
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_bytes(bytes(range(32)))
    config = with_key(logged.config, "key")  # beside the configuration
    with closing(Assistant(config, audit=True)) as assistant:
        assistant.answer(CARRY)
    assert Audit(config).verify() == 1
    with pytest.raises(GateFailed, match="signed"):
        Audit(logged.config).verify()


@pytest.mark.parametrize(
    ("name", "content", "rights", "told"),
    [
        ("none", None, 0o600, "none cannot be read: No such file"),
        ("index/key", b"x" * 32, 0o600, "lies in the index folder"),
        ("short", b"x" * 15, 0o600, "holds 15 bytes; a secret has at least 16"),
        pytest.param("open", b"x" * 32, 0o640, "other accounts may read it .mode 640", marks=POSIX),
        pytest.param("wide", b"x" * 32, 0o604, "other accounts may read it .mode 604", marks=POSIX),
        pytest.param("writable", b"x" * 32, 0o602, "may be changed by other accounts", marks=POSIX),
    ],
)
def test_a_key_that_is_no_secret_is_refused(
    logged: Assistant, tmp_path: Path, name: str, content: bytes | None, rights: int, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(rights)
    for use in (Audit, lambda config: Assistant(config, audit=True)):
        with pytest.raises(ConfigError, match=told) as error:
            use(with_key(logged.config, name))
        assert "head -c 32 /dev/urandom" in error.value.hint


def test_a_link_into_the_index_is_no_place_for_a_key(logged: Assistant, tmp_path: Path) -> None:
    (logged.config.data / "key").write_bytes(b"x" * 32)
    (tmp_path / "link").symlink_to(logged.config.data / "key")
    with pytest.raises(ConfigError, match="lies in the index folder"):
        Audit(with_key(logged.config, "link"))
