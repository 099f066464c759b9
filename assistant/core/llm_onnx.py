"""The CPU runtime: onnxruntime-genai over a prepared model folder; no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnxruntime_genai as og

from assistant.core.types import ModelInfo, Turn

ROOM = 1024  # tokens of a prompt and its answer that a kept generator has room for; longer ones get one of their own


class OnnxModel:
    """A generator on onnxruntime-genai, decoding greedily; one stream at a time.

    The system message is the same in every prompt and up to half of it: it is read once and kept. Prompts are read in
    the same two pieces whether it was kept or not, so that rounding, and with it the answer, never depends on that.
    """

    def __init__(self, folder: Path, model_id: str) -> None:
        self.info = ModelInfo(model_id, "onnx")
        self._model = og.Model(str(folder))
        self._tokenizer = og.Tokenizer(self._model)
        settings = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))
        self._context = int(settings["model"]["context_length"])  # tokens
        self._kept: tuple[list[int], Any] = ([], None)  # the tokens of a system message, and what has read them

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        prompt = self._encode(messages, answer=True)
        if len(prompt) + max_tokens > self._context:
            return  # more than the model can read: it says nothing
        system = self._encode(messages[:1], answer=False)
        system = system if prompt[: len(system)] == system else []
        generator = self._after(system, len(prompt) + max_tokens)
        generator.append_tokens(prompt[len(system) :])
        pieces = self._tokenizer.create_stream()
        for _ in range(max_tokens):
            if generator.is_done():
                break
            generator.generate_next_token()
            yield pieces.decode(generator.get_next_tokens()[0])

    def _encode(self, messages: Sequence[Turn], *, answer: bool) -> list[int]:
        turns = json.dumps([{"role": turn.role, "content": turn.content} for turn in messages])
        text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=answer)
        return [int(token) for token in self._tokenizer.encode(text)]

    def _after(self, system: list[int], length: int) -> Any:
        """Return a generator for `length` tokens at most that has read the system message."""
        tokens, generator = self._kept
        if length <= ROOM and system and tokens == system:
            generator.rewind_to(len(system))
            return generator
        params = og.GeneratorParams(self._model)
        params.set_search_options(max_length=max(length, ROOM), do_sample=False)
        generator = og.Generator(self._model, params)
        if system:
            generator.append_tokens(system)
        if length <= ROOM:
            self._kept = system, generator
        return generator
