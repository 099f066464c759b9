"""The reader's graph is MPNet's: the same distances, and the scores that full precision gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.core.errors import GateFailed
from assistant.models.cross_encoder import CrossEncoder
from tune.graphs import encoders
from tune.graphs.encoders import ADAPTER, MAX_DIFFERENCE, PROBES
from tune.graphs.mpnet import MAX_TOKENS, buckets
from tune.graphs.onnx_graph import Weights
from tune.graphs.originals import MPNET, open_base

pytestmark = pytest.mark.models


def test_distances_fall_into_the_buckets_of_transformers() -> None:
    import torch
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

    place = torch.arange(MAX_TOKENS)
    distance = place[None, :] - place[:, None]
    expected = MPNetEncoder.relative_position_bucket(distance, num_buckets=32)
    assert np.array_equal(buckets(MAX_TOKENS, 32), expected.numpy())


def test_the_packaged_reader_scores_as_in_full_precision(cross_encoder: CrossEncoder) -> None:
    probes = json.loads((ADAPTER / PROBES).read_text(encoding="utf-8"))
    assert len(probes) >= 10
    for probe in probes:
        found = cross_encoder.read(probe["question"], probe["header"], probe["units"])
        assert np.abs(found - probe["log_odds"]).mean() < 2 * MAX_DIFFERENCE, probe["question"]


def test_a_reader_that_scores_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = encoders.write_reader

    def write_badly(weights: Weights, *rest: Any) -> None:
        name = "encoder.layer.3.attention.attn.o.weight"
        write({**weights, name: weights[name][::-1]}, *rest)

    monkeypatch.setattr(encoders, "write_reader", write_badly)
    with pytest.raises(GateFailed, match="scores"):
        encoders.build_reader(open_base(MPNET), tmp_path, ADAPTER)
