"""Attempts to change what the assistant does: in a question, or planted in a document for it to read.

Rules know the wordings that nothing else has; a linear model on sentence vectors (`models/injection.json`, made by
`python -m tune.guards`) knows what is like the attacks it was shown. Rules read every view of the text, the model its
windows, or of a document the sentences that speak to someone.
"""

from __future__ import annotations

from pathlib import Path

from assistant.core.types import Stage
from assistant.guards import Context, Finding, Span
from assistant.guards.injection_rules import FEATURES, RULES, features
from assistant.guards.linear import PACKAGED, Linear, load_linear
from assistant.guards.rules import matches

FILE_NAME = "injection.json"
MODEL = PACKAGED / FILE_NAME
CERTAIN = 0.99  # the score of a rule
DOCUMENT_THRESHOLD = 0.99  # a document is not refused to a person but lost to all, so only what is surely planted is


class Injection:
    """Finds instructions meant for the assistant."""

    name = "injection"
    stages: frozenset[Stage] = frozenset({"input", "document"})
    refusal = (
        "I only answer questions about your organisation's documents, and cannot follow instructions that change how I "
        "work. Ask me, for example, what a policy says about a case of yours."
    )

    def __init__(self, model: Linear | None = None, path: Path = MODEL) -> None:
        """Take a model, or load the packaged one; raises ModelDamaged."""
        self.model = model or load_linear(path, FEATURES)

    def check(self, context: Context) -> Finding | None:
        """Return the rule that holds, or else what the model says."""
        for found, number, match in matches(RULES, context.views):
            hidden = " in letters or an encoding that hide it" if number or context.views[0] != context.text else ""
            spans = () if hidden else (Span(*match.span(), "instruction"),)
            return Finding(f"This is refused because {found.reason}{hidden}.", CERTAIN, spans)
        score = self.model.highest(context, features)
        threshold = DOCUMENT_THRESHOLD if context.stage == "document" else self.model.threshold
        if score >= threshold:
            return Finding("This reads like an attempt to give the assistant other instructions.", round(score, 4))
        return None
