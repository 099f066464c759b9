"""OpenVINO GenAI over a GGUF file: reads a prompt several times faster than ONNX Runtime, but takes seconds to load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from assistant.core.errors import ModelMissing
from assistant.core.records import ModelInfo, Turn

GGUF = "model.gguf"


class OpenVinoModel:
    """A generator on OpenVINO, decoding greedily; one stream at a time."""

    def __init__(self, folder: Path, model_id: str) -> None:
        """Compile the folder's `model.gguf` for this processor; raises ModelMissing without it or the package."""
        try:
            import openvino_genai
        except ImportError:
            raise ModelMissing("openvino-genai is not installed.", "Run: pip install openvino-genai") from None
        if not (folder / GGUF).is_file():
            raise ModelMissing(
                f"{folder} holds no {GGUF}.", "Tune one: assistant tune run. Or set generator.runtime to onnx."
            )
        self.info = ModelInfo(model_id, "openvino")
        self._genai: Any = openvino_genai
        self._pipeline = openvino_genai.LLMPipeline(str(folder / GGUF), "CPU")
        self._tokenizer = self._pipeline.get_tokenizer()

    def complete(self, messages: Sequence[Turn], max_tokens: int) -> str:
        return "".join(self.stream(messages, max_tokens))

    def stream(self, messages: Sequence[Turn], max_tokens: int) -> Iterator[str]:
        options = self._genai.GenerationConfig(max_new_tokens=max_tokens, do_sample=False, apply_chat_template=False)
        turns = [{"role": turn.role, "content": turn.content} for turn in messages]
        prompt = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True)
        pieces: SimpleQueue[str | BaseException | None] = SimpleQueue()
        closed = Event()

        def tell(piece: str) -> Any:
            pieces.put(piece)
            status = self._genai.StreamingStatus
            return status.STOP if closed.is_set() else status.RUNNING

        def work() -> None:
            try:
                self._pipeline.generate(prompt, options, tell)
                pieces.put(None)
            except BaseException as error:
                pieces.put(error)

        thread = Thread(target=work, name="openvino", daemon=True)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            closed.set()
            thread.join()
