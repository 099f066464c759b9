"""`assistant calibrate` learns from some questions, counts on the others, and what it writes then holds."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import load_confidence
from assistant.answer.features import READING_FEATURES
from assistant.cli import app
from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.evaluate.calibrate import ReaderOutcome, calibrate, fit_logistic, to_json

ANSWERED = [
    "How much annual leave may employees carry over?",
    "When do carried-over days expire?",
    "What must new employees bring to their first day of work?",
    "How long is the RTO of the billing system?",
]
UNANSWERED = [
    "Which hamsters live on Jupiter's moons?",
    "Who won the regatta of 1907?",
    "How is a soufflé kept from sinking?",
    "What colour is the dragon of the third gate?",
]


def outcome(n: int, answerable: bool, rng: np.random.Generator) -> ReaderOutcome:
    shift = 1.0 if answerable else -1.0
    return ReaderOutcome(f"{n}", "set", answerable, {name: float(rng.normal(shift)) for name in READING_FEATURES})


def test_the_fit_finds_the_weights_and_keeps_the_scale() -> None:
    rng = np.random.default_rng(0)
    columns = {"near": rng.normal(5, 3, 4_000), "noise": rng.normal(0, 100, 4_000)}
    outcome = rng.uniform(size=4_000) < 1 / (1 + np.exp(-(0.5 * columns["near"] - 2.5)))
    model = fit_logistic(columns, ["near", "noise"], outcome, np.ones(4_000))
    assert model.weights[0] == pytest.approx(0.5, abs=0.1) and abs(model.weights[1]) < 0.01
    assert float(model.log_odds({"near": 5.0, "noise": 0.0})) == pytest.approx(0.0, abs=0.2)


def test_each_question_is_used_once_and_the_same_questions_give_the_same_bytes() -> None:
    rng = np.random.default_rng(1)
    found = [outcome(n, n % 3 > 0, rng) for n in range(400)]
    one = calibrate(found, {"by": "test"})
    fitted, counted = (sum(one.made[part].values()) for part in ("fitted_on", "counted_on"))
    assert fitted + counted == 400 and 60 < fitted < 140
    assert one.questions == counted and one.made["by"] == "test"
    assert json.dumps(to_json(one)) == json.dumps(to_json(calibrate(list(found), {"by": "test"})))
    good = dict.fromkeys(READING_FEATURES, 4.0)
    bad = dict.fromkeys(READING_FEATURES, -4.0)
    assert one.probability(bad) < 0.1 < 0.9 < one.probability(good)


def test_a_part_without_unanswerable_questions_is_refused() -> None:
    rng = np.random.default_rng(2)
    with pytest.raises(UsageError, match="or as few others"):
        calibrate([outcome(n, True, rng) for n in range(200)], {})


def test_a_few_questions_move_nothing() -> None:
    rng = np.random.default_rng(3)
    with pytest.raises(UsageError, match="Give more of both") as error:
        calibrate([outcome(n, n % 2 == 0, rng) for n in range(30)], {})
    assert error.value.exit_code == 2


@pytest.fixture
def copy(office_config: Config, tmp_path: Path) -> Config:
    data = shutil.copytree(office_config.data, tmp_path / "index")
    return replace(office_config, index=replace(office_config.index, data=str(data)))


def run(*args: str | Path) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.mark.slow
def test_calibrating_an_index_changes_when_it_answers(copy: Config, office_config: Config, tmp_path: Path) -> None:
    lines = [
        {"id": f"{n}", "question": f"{text} ({n // 8 % 2})", "answerable": good, "answers": ["x"] if good else []}
        for n in range(120)
        for good, text in [(n % 2 == 0, (ANSWERED if n % 2 == 0 else UNANSWERED)[n // 2 % 4])]
    ]
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    config = office_config.base / "config.toml"
    with closing(Assistant(copy)) as assistant:
        before = assistant.answer(ANSWERED[0]).confidence
    strict = tmp_path / "strict.toml"
    strict.write_text(config.read_text(encoding="utf-8") + "[answer]\nmax_risk = 0.02\n", encoding="utf-8")
    result = run("calibrate", questions, "--config", strict, "--data", copy.data, "--json", "--quiet")
    assert isinstance(result.exception, UsageError), "60 questions are too few"
    assert "cannot hold answer.max_risk = 0.02" in str(result.exception)
    with closing(Assistant(copy)) as assistant:  # and the index answers as it did
        assert assistant.answer(ANSWERED[0]).confidence == before
    relaxed = tmp_path / "relaxed.toml"
    relaxed.write_text(config.read_text(encoding="utf-8") + "[answer]\nmax_risk = 0.2\n", encoding="utf-8")
    result = run("calibrate", questions, "--config", relaxed, "--data", copy.data, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["bound"] <= 0.2 and told["made"]["by"] == "assistant calibrate"
    assert load_confidence(copy.data).made["from"]["questions.jsonl"]["sha256"]
    status = json.loads(run("status", "--config", relaxed, "--data", copy.data, "--json").stdout)
    assert status["calibration"]["threshold"] == told["threshold"]
    with closing(Assistant(replace(copy, answer=replace(copy.answer, max_risk=0.2)))) as assistant:
        answer = assistant.answer(ANSWERED[0])
        assert answer.status == "answered" and answer.confidence != before
        assert assistant.answer(UNANSWERED[0]).status == "abstained"
