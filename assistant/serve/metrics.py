"""What Prometheus is told: counts and seconds, and nothing of documents, questions or whoever asks."""

from __future__ import annotations

import time
from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0)  # upper bounds of what is counted as one
UNKNOWN = float("nan")


class Metrics:
    """The counts of one server, since its start."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        told = "Questions by what became of them; searches are not counted."
        self._questions = Counter("assistant_questions", told, ["status"], registry=own)
        told = "Seconds that questions and searches took, by stage."
        self._seconds = Histogram("assistant_stage_seconds", told, ["stage"], buckets=SECONDS, registry=own)
        self._errors = Counter("assistant_errors", "Requests without an answer, by code.", ["code"], registry=own)
        self._now = Gauge("assistant_questions_now", "Questions that are here now.", ["state"], registry=own)
        self._age = Gauge("assistant_index_age_seconds", "Seconds since an ingest last finished.", registry=own)

    def answered(self, status: str) -> None:
        """Count a question by the status of its answer."""
        self._questions.labels(status).inc()

    def took(self, timings: Mapping[str, float]) -> None:
        """Count the milliseconds of each stage."""
        for stage, milliseconds in timings.items():
            self._seconds.labels(stage).observe(milliseconds / 1000)

    def failed(self, code: str) -> None:
        """Count a request that got an error."""
        self._errors.labels(code).inc()

    def text(self, answering: int, waiting: int, ingested: str | None) -> bytes:
        """Return all counts as Prometheus reads them; `ingested` is when the index was, in seconds since 1970."""
        self._now.labels("answering").set(answering)
        self._now.labels("waiting").set(waiting)
        self._age.set(time.time() - float(ingested) if ingested else UNKNOWN)
        return generate_latest(self._registry)
