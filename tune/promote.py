"""The gate between a tuned model and the questions of users: what serves changes only for something better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.core.errors import GateFailed
from assistant.models import active
from assistant.models.registry import Registry
from tune.evaluate import SERVING
from tune.export import GPTQ, MERGED

PRIMARY = "f1_answered"
INVENTED = "invented_keys"
MOST_LOST = 0.01  # of the primary metric against the merged model


def promote(registry: Registry, models: Mapping[str, str], report: Mapping[str, Mapping[str, Any]]) -> str:
    """Let the GPTQ model serve if the report says that it is better; return its id. Raises GateFailed if not."""
    check_gate(report)
    active.promote(registry, models[GPTQ])
    return models[GPTQ]


def check_gate(report: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise GateFailed unless GPTQ beats what serves, keeps within a point of the merged model and invents no more.

    `report` maps each of serving, merged and gptq to its metrics.
    """
    gptq, merged, serving = (report[name] for name in (GPTQ, MERGED, SERVING))
    faults = []
    if gptq[PRIMARY] <= serving[PRIMARY]:
        faults.append(f"its {PRIMARY} is {gptq[PRIMARY]:.3f}, that of what serves {serving[PRIMARY]:.3f}")
    if gptq[PRIMARY] < merged[PRIMARY] - MOST_LOST:
        faults.append(f"its {PRIMARY} is {gptq[PRIMARY]:.3f}, that of the merged model {merged[PRIMARY]:.3f}")
    if gptq[INVENTED] > merged[INVENTED]:
        faults.append(f"it invents {gptq[INVENTED]:.3f} sources an answer, the merged model {merged[INVENTED]:.3f}")
    if faults:
        raise GateFailed(f"the tuned model is not promoted: {'; '.join(faults)}.", "Nothing has changed.")
