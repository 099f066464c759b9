"""Requests to harm someone, oneself or what is another's, to pry into a person's life, or to run a group down.

A linear model on the question's vector and on cues (`harm_cues.py`): `models/harm.json`, made by
`python -m tune.factory.train_guards`.
"""

from __future__ import annotations

from pathlib import Path

from assistant.core.files import PACKAGED
from assistant.core.records import Stage
from assistant.guards import Context, Finding
from assistant.guards.classifier import Linear, load_linear
from assistant.guards.harm_cues import FEATURES, features

MODEL = PACKAGED / "guards" / "harm.json"


class Harm:
    """Finds requests for help with harm."""

    name = "harm"
    stages: frozenset[Stage] = frozenset({"input"})
    refusal = (
        "I cannot help with that. I answer questions about your organisation's documents: ask me, for example, what a "
        "policy says or whom to turn to. If you or somebody else is in danger, please call your local emergency number."
    )

    def __init__(self, model: Linear | None = None, path: Path = MODEL) -> None:
        """Take a model, or load the packaged one; raises ModelDamaged."""
        self.model = model or load_linear(path, FEATURES)

    def check(self, context: Context) -> Finding | None:
        """Return what the model says of the text's pieces."""
        score = self.model.highest(context, features)
        if score < self.model.threshold:
            return None
        return Finding("This reads like a request for help with harming or spying on somebody.", round(score, 4))
