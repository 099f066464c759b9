from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from assistant.core.config import Config, load_config, parse_config, section_names
from assistant.core.errors import ConfigError

SHIPPED = Path(__file__).parent.parent.parent / "config.toml"


def test_the_shipped_file_holds_every_setting_with_its_default() -> None:
    config = Config()
    expected = {name: asdict(getattr(config, name)) for name in section_names()}
    assert tomllib.loads(SHIPPED.read_text()) == expected


def test_every_setting_of_the_shipped_file_is_explained() -> None:
    settings = [line for line in SHIPPED.read_text().splitlines() if " = " in line]
    assert settings and all("  # " in line for line in settings)


def test_unknown_keys_are_refused_with_the_nearest_and_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse_config({"retreival": {}, "answer": {"max_risc": 0.4, "min_closest": "high"}}, Path())
    message = str(error.value)
    assert "'retrieval'" in message and "'max_risk'" in message and "answer.min_closest must be float" in message


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"generator": {"runtime": "gpu"}}, "generator.runtime"),
        ({"retrieval": {"k": 0}}, "retrieval.k"),
        ({"retrieval": {"k": True}}, "retrieval.k must be int"),
        ({"index": {"lock_seconds": -1}}, "index.lock_seconds"),
        ({"ingest": {"passage_words": 300}}, "passage_max_words"),
        ({"ingest": {"max_seconds": 0.0}}, "ingest.max_seconds must be between 1 and"),
        ({"answer": {"max_risk": 13}}, r"answer.max_risk must be between 0 and 1, not 13\b"),
        ({"answer": {"max_risk": float("nan")}}, "answer.max_risk"),
        ({"retrieval": {"k": 10**400}}, "retrieval.k"),
        ({"ingest": {"max_file_mb": 10**400}}, "ingest.max_file_mb"),
        ({"guards": {"personal": "mask"}}, "guards.personal must be one of off, flag, redact, block, not 'mask'"),
        ({"generator": {"runtime": "langchain"}}, "generator.model must name a model"),
        ({"index": "here"}, "must be a section"),
    ],
)
def test_bad_values_are_named(raw: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_config(raw, Path())


def test_a_missing_or_broken_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[index\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "bad.toml")


def test_the_index_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[index]\ndata = "here"\n')
    assert load_config(tmp_path / "c.toml").data == tmp_path / "here"


def test_the_hash_covers_settings_and_not_the_folder(tmp_path: Path) -> None:
    assert Config(base=tmp_path).sha == Config().sha
    assert parse_config({"retrieval": {"k": 3}}, tmp_path).sha != Config().sha
