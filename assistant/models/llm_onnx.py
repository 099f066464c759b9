"""The CPU runtime: ONNX Runtime over a model folder; no torch.

An answer mostly copies its quotes, so the words that follow are looked up in the prompt and read at once; where the
model would have written others, they are dropped. The words are those of writing one at a time, several times faster
(prompt lookup decoding, Saxena 2023; it needs the logits of several tokens, see `tune/graphs/llama.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import ModelInfo, Turn
from assistant.models.onnx_session import GRAPH, open_session, physical_cores

ROOM = 1024  # tokens of a prompt and its answer that are kept room for; longer ones get one of their own
# Tokens in a row that were there before -> how many of those that followed them are drafted to follow again.
DRAFT_LENGTHS = {3: 7, 2: 3, 1: 1}


class OnnxModel:
    """A generator on ONNX Runtime, decoding greedily; threads take turns. `ends` are the tokens that end an answer.

    The system message is the same in every prompt and up to half of it: it is read once and kept. Prompts are read in
    the same two pieces whether it was kept or not, so that rounding, and with it the answer, never depends on that.
    """

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
        self._kept = _State(self._session, self._layout, ROOM)
        self._turn = Lock()

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        from tokenizers.decoders import DecodeStream

        prompt = self._encode(messages, answer=True)
        if len(prompt) + max_tokens > self._context:
            return  # more than the model can read: it says nothing
        system = self._encode(messages[:1], answer=False)
        system = system if prompt[: len(system)] == system else []
        length = len(prompt) + max_tokens
        with self._turn:
            state = self._kept if length <= ROOM else _State(self._session, self._layout, length)
            state.begin(system)
            pieces = DecodeStream(skip_special_tokens=True)
            for token in self._tokens(state, prompt, len(system), max_tokens):
                if piece := pieces.step(self._tokenizer, token):
                    yield piece

    def _tokens(self, state: _State, prompt: list[int], known: int, most: int) -> Iterator[int]:
        """Yield the answer's tokens; the state knows the prompt's first `known`."""
        text = list(prompt)
        end = len(prompt) + most
        choices = state.read(prompt[known:])[-1:].argmax(axis=1)
        guessed: Sequence[int] = ()
        while True:
            right = next((n for n, token in enumerate(guessed) if token != choices[n]), len(guessed))
            for token in (*guessed[:right], int(choices[right])):
                if token in self.ends or len(text) == end:
                    return
                yield token
                text.append(token)
            if len(text) == end:
                return
            state.rewind(len(text) - 1)  # the last one is yet to be read
            guessed = guess(text)[: min(state.ahead, end - len(text))]
            choices = state.read([text[-1], *guessed])[-len(guessed) - 1 :].argmax(axis=1)

    def _encode(self, messages: Sequence[Turn], *, answer: bool) -> list[int]:
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        text = self._template.render(messages=turns, add_generation_prompt=answer)
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


class _State:
    """What the model remembers of the tokens that it has read: keys and values, written in place."""

    def __init__(self, session: Any, layout: dict[str, Any], room: int) -> None:
        from onnxruntime import OrtValue

        self._session = session
        self._binding = session.io_binding()
        self._read = 0  # tokens
        self.first: list[int] = []  # of them
        rows = next(output.shape[1] for output in session.get_outputs() if output.name == "logits")
        self.ahead = 0 if rows == 1 else max(DRAFT_LENGTHS.values())  # tokens that may be guessed and read at once
        shape = (1, layout["num_key_value_heads"], room, layout["head_size"])
        for kind in ("key", "value"):
            for layer in range(layout["num_hidden_layers"]):
                kept = OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                self._binding.bind_ortvalue_input(layout["inputs"][f"past_{kind}_names"] % layer, kept)
                self._binding.bind_ortvalue_output(layout["outputs"][f"present_{kind}_names"] % layer, kept)

    def read(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits after each of the last tokens, [rows, vocabulary]; the last row is of the last one."""
        self._binding.bind_cpu_input("input_ids", np.array([tokens], np.int64))
        self._binding.bind_cpu_input("attention_mask", np.ones((1, self._read + len(tokens)), np.int64))
        self._binding.bind_output("logits", "cpu")
        self._session.run_with_iobinding(self._binding)
        self._read += len(tokens)
        logits: NDArray[np.float32] = self._binding.get_outputs()[-1].numpy()[0]  # it was bound last
        return logits

    def begin(self, tokens: list[int]) -> None:
        """Be as if these tokens alone had been read; if they were read first the last time too, they still are."""
        if tokens != self.first:
            self.first = []  # Ctrl-C may come before they are read
            self.rewind(0)
            if tokens:
                self.read(tokens)
            self.first = tokens
        self.rewind(len(tokens))

    def rewind(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        self._read = min(self._read, length)


def guess(text: Sequence[int]) -> Sequence[int]:
    """Return what followed where the last tokens, three or else fewer, first stood; empty if they are new."""
    for size, most in DRAFT_LENGTHS.items():
        tail = text[-size:]
        for at in range(len(text) - size):
            if text[at : at + size] == tail:
                return text[at + size : at + size + most]
    return ()


def _template(folder: Path) -> Any:
    """Return the model's chat template; it can reach nothing but what it is given."""
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    raw = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    named = {name: value for name, value in raw.items() if name.endswith("_token") and isinstance(value, str)}
    return environment.from_string((folder / "chat_template.jinja").read_text(encoding="utf-8"), globals=named)
