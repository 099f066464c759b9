"""The CPU runtime: onnxruntime-genai over a prepared model folder; no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnxruntime_genai as og

from assistant.core.types import ModelInfo, Turn


class OnnxModel:
    """A generator on onnxruntime-genai, decoding greedily."""

    def __init__(self, folder: Path, model_id: str) -> None:
        self.info = ModelInfo(model_id, "onnx")
        self._model = og.Model(str(folder))
        self._tokenizer = og.Tokenizer(self._model)
        settings = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))
        self._context = int(settings["model"]["context_length"])  # tokens

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        turns = json.dumps([{"role": turn.role, "content": turn.content} for turn in messages])
        prompt = self._tokenizer.encode(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True))
        if len(prompt) + max_tokens > self._context:
            return  # more than the model can read: it says nothing
        params = og.GeneratorParams(self._model)
        params.set_search_options(max_length=len(prompt) + max_tokens, do_sample=False)
        generator = og.Generator(self._model, params)
        generator.append_tokens(prompt)
        pieces = self._tokenizer.create_stream()
        while not generator.is_done():
            generator.generate_next_token()
            yield pieces.decode(generator.get_next_tokens()[0])
