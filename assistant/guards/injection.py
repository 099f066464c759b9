"""Attempts to change what the assistant does: in a question, or planted in a document for it to read.

Rules know the wordings that nothing else has; linear models on sentence vectors and cues (`models/injection.json` for
questions, `models/orders.json` for documents, made by `python -m tune.factory.train_guards`) know what is like the
attacks they were shown. Rules read every view of the text, the models its windows, or of a document the sentences that
speak to someone.
"""

from __future__ import annotations

from pathlib import Path

from assistant.core.files import PACKAGED
from assistant.core.records import Stage
from assistant.guards import Context, Finding, Span, injection_cues, injection_rules, order_cues, order_rules
from assistant.guards.classifier import Linear, load_linear
from assistant.guards.rules import matches

RULES = (*injection_rules.RULES, *order_rules.RULES)
MODEL = PACKAGED / "guards" / "injection.json"
ORDERS = PACKAGED / "guards" / "orders.json"
CERTAIN = 0.99  # the score of a rule


class Injection:
    """Finds instructions meant for the assistant."""

    name = "injection"
    stages: frozenset[Stage] = frozenset({"input", "document"})
    refusal = (
        "I only answer questions about your organisation's documents, and cannot follow instructions that change how I "
        "work. Ask me, for example, what a policy says about a case of yours."
    )

    def __init__(self, model: Linear | None = None, orders: Linear | None = None, path: Path = MODEL) -> None:
        """Take models, or load the packaged ones; raises ModelDamaged."""
        self.model = model or load_linear(path, injection_cues.FEATURES)
        self.orders = orders or load_linear(ORDERS, order_cues.FEATURES)

    def check(self, context: Context) -> Finding | None:
        """Return the rule that holds, or else what the model says."""
        for found, number, match in matches(RULES, context.views):
            view = context.views[number]
            plain = view == context.text and view[match.start() : match.end()] == match.group()
            hidden = "" if plain else " in letters, a layout or an encoding that hide it"
            spans = (Span(*match.span(), "instruction"),) if plain else ()
            return Finding(f"This is refused because {found.reason}{hidden}.", CERTAIN, spans)
        document = context.stage == "document"
        model, features = (self.orders, order_cues.features) if document else (self.model, injection_cues.features)
        score = model.highest(context, features)
        if score >= model.threshold:
            return Finding("This reads like an attempt to give the assistant other instructions.", round(score, 4))
        return None
