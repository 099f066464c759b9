"""Questions with gold -> a calibration: what the reader's scores say of whether its evidence is right."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.answer.assistant import Assistant
from assistant.answer.confidence import FILE_NAME, Confidence, Point
from assistant.answer.evidence import quote_text
from assistant.answer.features import READING_FEATURES
from assistant.contract import dumps
from assistant.core.errors import UsageError
from assistant.core.files import hash_file, write_atomic
from assistant.core.package import __version__, need
from assistant.core.records import Evidence, Progress
from assistant.evaluate.metrics import SEED
from assistant.evaluate.questions import Question, access_of
from assistant.evaluate.retrieval_scores import covers_gold
from assistant.evaluate.run import EvalPlan
from assistant.models.logistic import Logistic

Floats = NDArray[np.float64]

NOISE = 1e-9  # a spread so small is no information: an encoder has dimensions that are 1e-33 whatever it reads
PENALTY = 0.1  # scikit-learn's C, over standardised features


def fit_logistic(
    columns: Mapping[str, NDArray[np.float64]],
    features: Sequence[str],
    outcome: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> Logistic:
    """Fit the outcome [n] to the named columns [n] by L2-regularised logistic regression; `weights` [n] of the rows."""
    from sklearn.linear_model import LogisticRegression

    rows = np.stack([columns[name] for name in features], axis=1)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < NOISE] = 1.0
    model = LogisticRegression(C=PENALTY, max_iter=5_000)
    model.fit((rows - mean) / spread, outcome, sample_weight=weights * len(weights) / weights.sum())
    slopes = model.coef_[0] / spread
    bias = float(model.intercept_[0] - slopes @ mean)
    return Logistic(tuple(features), tuple(round(float(slope), 6) for slope in slopes), round(bias, 6))


LEVEL = 0.95  # of the bound
FITTED_EVERY = 4  # question, in so many; the rest are counted, since a small risk takes many to show
MIN_EACH = 10  # answerable and unanswerable questions that each part must have


@dataclass(frozen=True, slots=True)
class ReaderOutcome:
    """What the reader's features were of one question, and whether the evidence that it picked is right.

    It is where the documents answer and a part of it meets the gold evidence, as far as the question names any.
    """

    question: str  # its id
    group: str
    right: bool
    features: dict[str, float]


def outcomes(
    assistant: Assistant, questions: Sequence[Question], name: str, progress: Progress
) -> Iterator[ReaderOutcome]:
    """Read each question in the assistant's index; those that a definition answers, or nothing, have no features."""
    for done, question in enumerate(questions):
        progress("reading", done, len(questions))
        access = access_of(assistant.access, question)
        reading = assistant.read(question.asked, question.history, access=access)
        if reading.features:
            yield outcome(question, reading.evidence, reading.features, name)
    progress("reading", len(questions), len(questions))


def outcome(
    question: Question, evidence: Sequence[Evidence], features: Mapping[str, float], name: str
) -> ReaderOutcome:
    """Say whether the evidence that was picked for a question is right."""
    met = not question.evidence or any(covers_gold(quote_text(e), question.evidence) for e in evidence)
    return ReaderOutcome(question.id, f"{name} {question.group}", question.answerable and met, dict(features))


def calibrate(found: Sequence[ReaderOutcome], made: dict[str, Any]) -> Confidence:
    """Fit the probability on a quarter of the questions, and count its curve on the others.

    Raises UsageError if a part has too few of a kind.
    """
    fitted = [o for o in found if _is_fitted(o.question)]
    counted = [o for o in found if not _is_fitted(o.question)]
    if any(min(right := sum(o.right for o in part), len(part) - right) < MIN_EACH for part in (fitted, counted)):
        cause = f"a part of {len(found)} questions has under {MIN_EACH} that are answered rightly, or as few others."
        raise UsageError(cause, "Give more of both.")
    columns = {name: np.array([o.features[name] for o in fitted]) for name in READING_FEATURES}
    outcome = np.array([o.right for o in fitted])
    model = fit_logistic(columns, READING_FEATURES, outcome, np.ones(len(fitted)))
    draft = Confidence(model, (), {})
    curve = curve_of([draft.probability(o.features) for o in counted], [o.right for o in counted])
    made = {**made, "fitted_on": _counts(fitted), "counted_on": _counts(counted)}
    return Confidence(model, curve, made)


def curve_of(probabilities: Sequence[float], right: Sequence[bool]) -> tuple[Point, ...]:
    """Count what is answered, and wrongly, at the thresholds 0, 0.01, 0.02, ..."""
    pairs = list(zip(probabilities, right, strict=True))
    points = []
    for threshold in (step / 100 for step in range(100)):
        answered = [good for probability, good in pairs if probability >= threshold]
        wrong = answered.count(False)
        points.append(Point(threshold, len(answered), wrong, upper_bound(wrong, len(answered))))
    return tuple(points)


def upper_bound(wrong: int, answered: int) -> float:
    """Return the one-sided 95% Clopper-Pearson upper bound of the rate of errors."""
    from scipy.stats import beta  # type: ignore[import-untyped]

    return round(float(beta.ppf(LEVEL, wrong + 1, answered - wrong)), 6) if wrong < answered else 1.0


def calibrate_index(assistant: Assistant, plan: EvalPlan, progress: Progress) -> Confidence:
    """Calibrate on what is planned, asked of the assistant's own index; write the calibration beside it.

    Raises UsageError for a bad question file, a missing extra, too few questions, and a calibration that cannot hold
    `answer.max_risk`.
    """
    need("evaluate", "calibrate")
    data = assistant.config.data
    found = list(outcomes(assistant, plan.read(), plan.questions.stem, progress))
    made = {
        "by": "assistant calibrate",
        "version": __version__,
        "split": plan.split,
        "seed": SEED,
        "index": assistant.catalog.info().generation,
        "config": assistant.config.sha,
        "from": {path.name: {"sha256": hash_file(path)} for path in (plan.questions, *plan.out_of_domain)},
    }
    confidence = calibrate(found, made)
    confidence.threshold(assistant.config.answer.max_risk)  # one that cannot hold it would leave no answer at all
    write_atomic(data / FILE_NAME, dumps(to_json(confidence)) + "\n")  # a question may come meanwhile
    return confidence


def to_json(confidence: Confidence) -> dict[str, Any]:
    """Return the form that `load_confidence` reads."""
    curve = [[p.threshold, p.answered, p.wrong, p.bound] for p in confidence.curve]
    return {**asdict(confidence.model), "curve": curve, "made": dict(confidence.made)}


def _is_fitted(question: str) -> bool:
    """Part the questions by another byte than `halves.half` uses: it parts those without documents by their ids."""
    return hashlib.sha256(question.encode("utf-8", "replace")).digest()[-2] % FITTED_EVERY == 0


def _counts(found: Sequence[ReaderOutcome]) -> dict[str, int]:
    return dict(sorted(Counter(o.group for o in found).items()))
