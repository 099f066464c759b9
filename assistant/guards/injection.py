"""Attempts to change what the assistant does: in a question, or planted in a document for it to read.

Rules (`packaged/guards/patterns.toml`) know marks and wordings that nothing else has; linear models (`injection.json`
for questions, `orders.json` for documents, made by `python -m tune.factory.train_guards`) weigh words and vectors.
"""

from __future__ import annotations

from pathlib import Path

from assistant.core.files import PACKAGED
from assistant.core.records import Stage
from assistant.guards import Detection, GuardInput, Span
from assistant.guards.rules import first_match, load_rules
from assistant.models.logistic import Linear, load_linear
from assistant.text.words import content

MODEL = PACKAGED / "guards" / "injection.json"
ORDERS = PACKAGED / "guards" / "orders.json"
RULE_SCORE = 0.99
FEWEST_WORDS = 2  # content words of a text that a model weighs: "and how much is it?" orders nothing


class Injection:
    """Finds instructions meant for the assistant."""

    name = "injection"
    stages: frozenset[Stage] = frozenset({"input", "document"})
    refusal = (
        "I only answer questions about your organisation's documents, and cannot follow instructions that change how I "
        "work. Ask me, for example, what a policy says about a case of yours."
    )

    def __init__(self, path: Path = MODEL) -> None:
        """Load the models, that of questions from `path`; raises ModelDamaged."""
        self.model = load_linear(path)
        self.orders = load_linear(ORDERS)
        self._rules = load_rules()

    def model_at(self, stage: Stage) -> Linear:
        """Return the model of a stage."""
        return self.orders if stage == "document" else self.model

    def check(self, context: GuardInput) -> Detection | None:
        """Return the rule that holds, or else what the model says."""
        if held := first_match(self._rules, context.views):
            rule, number, match = held
            view = context.views[number]
            plain = view == context.text and view[match.start() : match.end()] == match.group()
            hidden = "" if plain else " in letters, a layout or an encoding that hide it"
            spans = (Span(*match.span(), "instruction"),) if plain else ()
            return Detection(f"This is refused because {rule.reason}{hidden}.", RULE_SCORE, spans)
        if len(content(context.text)) < FEWEST_WORDS:
            return None
        model = self.model_at(context.stage)
        score = context.highest(model)
        if score >= model.threshold:
            return Detection("This reads like an attempt to give the assistant other instructions.", round(score, 4))
        return None
