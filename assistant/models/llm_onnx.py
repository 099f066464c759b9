"""The CPU runtime: ONNX Runtime over a model folder; no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import ModelInfo, Turn
from assistant.models.language_model import Heard, ignore
from assistant.models.onnx_session import GRAPH, open_session, physical_cores


def hand_over(done: Future[str], outcome: Future[str]) -> None:
    """Give one future what came of another, unless nobody waits for it any more."""
    if not outcome.cancelled():
        error = done.exception()
        outcome.set_exception(error) if error else outcome.set_result(done.result())


class OnnxModel:
    """A generator on ONNX Runtime, decoding greedily, one reply at a time. `ends` are the tokens that end an answer."""

    def __init__(self, folder: Path, model_id: str) -> None:
        from tokenizers import Tokenizer

        self.info = ModelInfo(model_id, "onnx")
        model = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))["model"]
        self._session = open_session(folder / GRAPH, physical_cores(), spin=True)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._template = _template(folder)
        self._context = int(model["context_length"])  # tokens
        ends = model["eos_token_id"]
        self.ends: frozenset[int] = frozenset(ends if isinstance(ends, list) else [ends])
        self._layout = model["decoder"]
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="generator")

    def ask(self, messages: Sequence[Turn], max_tokens: int, heard: Heard = ignore) -> Future[str]:
        """Begin a reply in its turn; it is empty for a prompt that is longer than the model reads."""
        ended = Event()
        reply = self._turns.submit(self._written, messages, max_tokens, heard, ended)
        outcome: Future[str] = Future()  # which can be cancelled while it is written
        outcome.add_done_callback(lambda _: ended.set())
        reply.add_done_callback(lambda done: hand_over(done, outcome))
        return outcome

    def _written(self, messages: Sequence[Turn], max_tokens: int, heard: Heard, ended: Event) -> str:
        from tokenizers.decoders import DecodeStream

        text, prompt = "", self._encode(messages)
        if len(prompt) + max_tokens > self._context:
            return text
        pieces = DecodeStream(skip_special_tokens=True)
        for token in self._tokens(prompt, max_tokens):
            if ended.is_set():
                break
            if piece := pieces.step(self._tokenizer, token):
                text += piece
                heard(text)
        return text

    def _tokens(self, prompt: list[int], most: int) -> Iterator[int]:
        """Yield the answer's tokens."""
        state = _State(self._session, self._layout, len(prompt) + most)
        unread = prompt
        for _ in range(most):
            token = int(state.read(unread).argmax())
            if token in self.ends:
                return
            yield token
            unread = [token]

    def _encode(self, messages: Sequence[Turn]) -> list[int]:
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        text = self._template.render(messages=turns, add_generation_prompt=True)
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


class _State:
    """What the model remembers of the tokens that it has read: keys and values, written in place."""

    def __init__(self, session: Any, layout: dict[str, Any], room: int) -> None:
        from onnxruntime import OrtValue

        self._session = session
        self._binding = session.io_binding()
        self._read = 0  # tokens
        shape = (1, layout["num_key_value_heads"], room, layout["head_size"])
        for kind in ("key", "value"):
            for layer in range(layout["num_hidden_layers"]):
                kept = OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                self._binding.bind_ortvalue_input(layout["inputs"][f"past_{kind}_names"] % layer, kept)
                self._binding.bind_ortvalue_output(layout["outputs"][f"present_{kind}_names"] % layer, kept)

    def read(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits after the last token, [vocabulary]."""
        self._binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        self._binding.bind_cpu_input("attention_mask", np.ones((1, self._read + len(tokens)), np.int64))
        self._binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(self._binding)
        self._read += len(tokens)
        logits: NDArray[np.float32] = self._binding.get_outputs()[-1].numpy()[0, -1]  # it was bound last
        return logits


def _template(folder: Path) -> Any:
    """Return the model's chat template; it can reach nothing but what it is given."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    raw = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    named = {name: value for name, value in raw.items() if name.endswith("_token") and isinstance(value, str)}
    return environment.from_string((folder / "chat_template.jinja").read_text(encoding="utf-8"), globals=named)
