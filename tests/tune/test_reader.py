"""The reader learns from what retrieval brings, and travels with its generator if it is better."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import Confidence
from assistant.answer.features import SENTENCE_FEATURES
from assistant.answer.read import FILE_NAME, load_reader, read_reader
from assistant.core.config import Config, GeneratorSection, ModelsSection
from assistant.core.errors import ModelDamaged, UsageError
from assistant.core.files import PACKAGED
from assistant.evaluate.questions import Question
from assistant.models.llm import promote, rollback
from assistant.models.logistic import Logistic
from assistant.models.registry import Registry
from assistant.terminal.status import _calibration
from tune.factory.fit_packaged import Sample, fit_reader
from tune.graphs.install import install
from tune.reader import _loss, examples, to_json, train_better
from tune.train_reader import ReaderExample, ReaderPassage, batched, loss_of, make_model

LEAVE = "# Leave\n\n## Carry-over\n\nEmployees may carry over 5 days. Days expire on 31 March.\n"
CARDS = "# Cards\n\n## Loss\n\nA lost card is reported at once.\n\n## Limits\n\nA card pays up to £500.\n"


def silent(*told: object) -> None:
    """Say nothing."""


def made_up(count: int) -> list[Sample]:
    """Make up questions of 20 documents; of their six candidates the one with the highest log-odds is gold."""
    rng = np.random.default_rng(3)
    found = []
    for n in range(count):
        columns = {name: rng.normal(size=6) for name in SENTENCE_FEATURES}
        right = int(np.argmax(columns["log_odds"] + columns["compared"]))
        found.append(Sample(f"{n % 20}.md", columns, tuple(place == right for place in range(6))))
    return found


def test_the_weights_find_what_tells() -> None:
    fitted = dict(zip(SENTENCE_FEATURES, fit_reader(made_up(120)).weights, strict=True))
    assert min(fitted["log_odds"], fitted["compared"]) > 2 * abs(fitted["hit_gap"])
    with pytest.raises(UsageError, match="only 49 questions"):
        fit_reader(made_up(49))


def test_examples_are_what_retrieval_brings(make_assistant: Callable[..., Assistant]) -> None:
    assistant = make_assistant({"leave.md": LEAVE, "cards.md": CARDS})
    asked = Question("1", "When do days expire?", True, (), ("Days expire on 31 March.",), ("leave.md",))
    near = Question("2", "Who reports a lost dog?", False)
    nowhere = Question("3", "When do cards expire?", True, (), ("Cards expire in May.",), ("cards.md",))
    answered, compared, unanswered, *others = examples(assistant, [asked, near, nowhere], silent)
    assert (answered.question, unanswered.question) == (asked.question, near.question)
    right, *wrong = answered.passages
    assert right.header == "Leave > Carry-over"
    assert [right.units[i] for i in right.gold] == ["Days expire on 31 March."]
    assert len(wrong) == 2 and not any(passage.gold for passage in wrong)
    assert len(unanswered.passages) == 3 and not any(passage.gold for passage in unanswered.passages)
    [beside] = compared.passages
    assert compared.question == asked.question and not beside.header
    assert [beside.units[i] for i in beside.gold] == ["Leave > Carry-over: Days expire on 31 March."]
    assert len(others) == 2 and not any(passage.gold for other in others for passage in other.passages)


def test_batches_hold_every_example_once_and_not_too_many_tokens() -> None:
    sizes = [(1 + n % 7, 20 + 7 * (n % 50)) for n in range(300)]
    batches = list(batched(sizes, seed=1))
    assert sorted(i for batch in batches for i in batch) == list(range(300))
    assert all(sum(sizes[i][0] for i in b) * max(sizes[i][1] for i in b) <= 4096 for b in batches)


def test_the_loss_is_of_one_softmax_over_all_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two questions: of one the second passage's first part is gold, of the other none that was read."""
    import torch

    from tune import train_reader

    logits = torch.tensor([[1.0, 3.0, 0.0], [0.5, 4.5, -1e4], [2.0, 1.0, -1e4]])
    monkeypatch.setattr(train_reader, "scores", lambda model, read: logits)
    two = ReaderExample("?", (ReaderPassage("", ("a", "b")), ReaderPassage("", ("c", "d"), (0, 1))))
    none = ReaderExample("?", (ReaderPassage("", ("e", "f"), (1,)),))
    first = np.exp([0.0, 2.0, -1.0, 4.0])  # nothing, a, b, c
    second = np.exp([0.0, -1.0])
    expected = -(np.log(first[3] / first.sum()) + np.log(second[0] / second.sum())) / 2
    assert float(loss_of(None, [two, none], [[], []])) == pytest.approx(expected, abs=1e-5)


def test_the_adapter_is_a_change_of_the_weight_and_learns_as_such() -> None:
    import torch

    from tune.lora import Adapted

    torch.manual_seed(1)
    base = torch.nn.Linear(6, 4).requires_grad_(False)
    layer = Adapted(base, rank=2, alpha=4)
    x = torch.randn(3, 5, 6, requires_grad=True)
    assert torch.equal(layer(x), base(x)), "an adapter that has learned nothing changes nothing"
    torch.nn.init.normal_(layer.lora_B)
    expected = torch.nn.functional.linear(x, base.weight + 2 * layer.lora_B @ layer.lora_A, base.bias)
    assert torch.allclose(layer(x), expected, atol=1e-5)
    wanted = (x, layer.lora_A, layer.lora_B)
    ours = torch.autograd.grad(layer(x).square().sum(), wanted)
    theirs = torch.autograd.grad(expected.square().sum(), wanted)
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_it_learns_and_what_it_learned_is_what_runs(tmp_path: Path) -> None:
    from assistant.models.cross_encoder import CrossEncoder, layout, open_tokenizer
    from tune.graphs.encoders import ADAPTER, MAX_DIFFERENCE, build_reader
    from tune.graphs.originals import MPNET, open_base
    from tune.train_reader import train

    units = ("Alpha pays ten.", "Beta pays twenty.", "Gamma pays thirty.")
    names = ("alpha", "beta", "gamma")
    other = ReaderPassage("Fees", ("A fee is paid.", "Fees are due in May."))
    found = [
        ReaderExample(f"What does {name} pay, case {n}?", (other, ReaderPassage("Pay", units, (at,))))
        for n in range(8)
        for at, name in enumerate(names)
    ]
    found += [ReaderExample(f"What does delta pay, case {n}?", (ReaderPassage("Pay", units), other)) for n in range(8)]
    tokenizer = open_tokenizer(open_base(MPNET).tokenizer)
    read = [[layout(tokenizer, e.question, p.header, p.units) for p in e.passages] for e in found]
    before = float(loss_of(make_model(ADAPTER), found, read).detach())
    told = train(found * 15, tmp_path / "adapter", silent, start=ADAPTER)
    assert (told["questions"], told["passages"]) == (32 * 15, 64 * 15)
    after = float(loss_of(make_model(tmp_path / "adapter"), found, read).detach())
    assert after < before
    (tmp_path / "model").mkdir()
    measured = build_reader(open_base(MPNET), tmp_path / "model", tmp_path / "adapter")
    assert float(measured["difference"]) < MAX_DIFFERENCE
    scores = CrossEncoder(tmp_path / "model").read("What does beta pay?", "Pay", units)
    assert int(scores.argmax()) == 1


def test_too_few_questions_change_nothing(make_assistant: Callable[..., Assistant], tmp_path: Path) -> None:
    config = make_assistant({"leave.md": LEAVE}).config
    asked = [Question(str(n), "When?", True, (), ("Days expire on 31 March.",), (f"{n}.md",)) for n in range(20)]
    told = train_better(config, asked, load_reader(config), tmp_path, "tuned-1-reader", silent)
    assert told == (None, {"questions": 20, "taken": False})


def test_a_reader_is_as_good_as_it_knows_which_of_its_answers_are_right(
    make_assistant: Callable[..., Assistant],
) -> None:
    assistant = make_assistant({"leave.md": LEAVE})
    gold = ("Carried-over days expire on 31 March.",)
    sure, unsure = (Confidence(Logistic((), (), bias), (), {}) for bias in (2.0, -2.0))
    right = Question("1", "When do carried-over days expire?", True, (), gold, ("leave.md",))
    wrong = Question("2", "When do carried-over days expire?", False, (), (), ("leave.md",))
    assert _loss(assistant, right, sure) < 0.2 < 2 < _loss(assistant, right, unsure)
    assert _loss(assistant, wrong, unsure) < 0.2 < 2 < _loss(assistant, wrong, sure)


def test_it_serves_as_long_as_its_generator(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    weights = fit_reader(made_up(120))

    def build(folder: Path) -> None:
        (folder / FILE_NAME).write_text(json.dumps(to_json(weights, "tuned-1-reader", {})), encoding="utf-8")

    install(tmp_path, "tuned-1", "runtime", None, {}, build)
    for runtime in ("onnx", "langchain", "none"):
        config = Config(models=ModelsSection(dir=str(tmp_path)), generator=GeneratorSection(runtime=runtime))
        assert load_reader(config) == read_reader(PACKAGED / FILE_NAME)
        promote(registry, "tuned-1")
        assert (load_reader(config).weights, load_reader(config).model_id) == (weights, "tuned-1-reader")
        rollback(registry)
    promote(registry, "tuned-1")
    path = registry.path("tuned-1") / FILE_NAME
    path.write_text(path.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    with pytest.raises(ModelDamaged, match="SHA-256"):
        load_reader(config)
    problems: list[dict[str, Any]] = []
    _calibration(config, problems)
    assert ["SHA-256" in problem["problem"] and problem["fatal"] for problem in problems] == [True]
