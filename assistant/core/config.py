"""`config.toml` -> frozen sections, one a stage; unknown keys are refused and every fault is reported at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from assistant.core.errors import ConfigError, did_you_mean
from assistant.core.files import distrust, read_toml

DEFAULT_NAME = "config.toml"
MPNET, MINILM = "all-mpnet-base-v2", "all-minilm-l6-v2"


# What a setting may be stands at its type: the words, or the least and the greatest number; both may be taken.
MOST = 1_000_000_000  # of a number without bounds of its own, whose least is 0
Share = Annotated[float, (0, 1)]
Positive = Annotated[int, (1, MOST)]
Seconds = Annotated[float, (1, MOST)]
Threads = Annotated[int, (0, 1_024)]  # more than any machine has cores; 5,000 take 90 s to start
EncoderName = Annotated[str, (MPNET, MINILM)]
Engine = Annotated[str, ("local", "ray")]
RuntimeName = Annotated[str, ("onnx", "langchain", "none")]
WordedBy = Annotated[str, ("model", "quotes")]
FailOn = Annotated[str, ("error", "warning", "note", "never")]
GuardAction = Annotated[str, ("off", "flag", "redact", "block")]


@dataclass(frozen=True, slots=True)
class IndexSection:
    data: str = ".assistant"  # where the index lives, relative to this file
    chroma_url: str = ""  # a Chroma server instead of a folder, e.g. "http://localhost:8000"
    lock_seconds: float = 10.0  # how long an ingest waits for another one


@dataclass(frozen=True, slots=True)
class ModelsSection:
    dir: str = ""  # where tuned models live; empty means the user's cache folder


@dataclass(frozen=True, slots=True)
class EncoderSection:
    model: EncoderName = MPNET  # or all-minilm-l6-v2: ingests four times faster, finds less; each index needs its own
    batch: Positive = 32  # texts encoded at once
    threads: Threads = 0  # 0 means one a physical core


@dataclass(frozen=True, slots=True)
class IngestSection:
    passage_words: Positive = 150  # a passage is filled up to about this many words
    passage_max_words: int = 190  # a passage is never longer, unless one sentence or table row is
    max_file_mb: float = 100.0  # larger files are rejected
    max_seconds: Seconds = 60.0  # a file that takes longer to read, or to split and screen, is rejected
    max_parser_mb: Positive = 2048  # a file that takes more memory to read is rejected, where the system can limit it
    ocr_pages: int = 300  # scanned pages of a file that are read (extra `ocr`); the rest is left out and flagged
    ocr_seconds: float = 30.0  # what each scanned page adds to max_seconds
    rebuild_share: Share = 0.2  # rebuild the vector index when more than this share of it changed
    engine: Engine = "local"  # or ray: passages are encoded by the cores of a cluster (extra `ray`)
    ray_address: str = ""  # that cluster, e.g. "10.0.0.1:6379"; empty means one that is started on this machine


@dataclass(frozen=True, slots=True)
class RetrievalSection:
    k: Positive = 8  # passages a question gets
    candidates: Positive = 100  # passages each method proposes before fusion
    full_scan: int = 4_000  # passages up to which all are compared, without Chroma's index of them; 0 is never
    lexical_weight: float = 0.25  # weight of the word search; the vector search has 1
    rerank: bool = True  # let the reader order a search's hits; without, a search takes milliseconds


@dataclass(frozen=True, slots=True)
class ReaderSection:
    passages: Positive = 16  # hits that are read, and which are reordered by it
    evidence: Positive = 3  # sentences, lists and rows that an answer is made of at most
    margin: float = 1.5  # log-odds below the best sentence's from which a sentence is not evidence


@dataclass(frozen=True, slots=True)
class AnswerSection:
    max_risk: Share = 0.15  # share of answers that may be wrong, on questions like the calibration's; 0.15 is 15%
    min_closest: Share = 0.4  # probability of being right from which the closest quotes are shown instead
    words: WordedBy = "model"  # what an answer is made of where there is a generator: its words, or quotes alone
    verify: bool = False  # let the generator look at each of its sentences again, and leave out what it takes back


@dataclass(frozen=True, slots=True)
class GeneratorSection:
    runtime: RuntimeName = "none"  # none: answers are quotes | onnx: a local model | langchain: an endpoint
    model: str = ""  # one of `tune list`, or for langchain "provider:model"; empty: what was promoted
    base_url: str = ""  # langchain: an OpenAI-compatible endpoint
    context_tokens: Positive = 6_000  # of passages that it is given, about
    max_tokens: Positive = 400  # of its longest reply
    rewrites: bool = False  # let it word the search first, in one more call
    timeout_seconds: float = 30.0  # langchain: give up on a call after this long, whatever has come
    retries: int = 2  # langchain: times an endpoint is asked again that is busy or fails, within timeout_seconds
    at_once: Positive = 8  # langchain: calls at once; others wait

    @property
    def local(self) -> bool:
        """Whether its models are files of ours."""
        return self.runtime == "onnx"

    @property
    def remote(self) -> bool:
        """Whether its model is behind an endpoint."""
        return self.runtime == "langchain"


@dataclass(frozen=True, slots=True)
class GuardsSection:
    """off | flag (say so) | redact (mask it; refuse what has no place) | block (refuse; documents are masked)."""

    injection: GuardAction = "block"  # instructions to the assistant; a passage with one is left out of the index
    personal: GuardAction = "redact"  # contacts, accounts, national numbers, birth dates, no names
    secrets: GuardAction = "redact"  # keys, tokens, passwords, PINs, addresses with a login
    output: GuardAction = "redact"  # in an answer: images, control characters


@dataclass(frozen=True, slots=True)
class AuditSection:
    enabled: bool = True  # log what is asked and shown, beside the index; personal data and secrets are masked
    max_mb: float = 50.0  # size of the log, and of the one before it
    key_file: str = ""  # a secret of 16 bytes or more, outside the index, that signs the log against forgery
    names: bool = False  # log who asked, where the server knows


@dataclass(frozen=True, slots=True)
class LintSection:
    off: str = ""  # codes of rules that are not applied, e.g. "term-unused, link-dead"
    fail_on: FailOn = "error"  # exit 7 from this severity on: error | warning | note | never


@dataclass(frozen=True, slots=True)
class ServeSection:
    at_once: Positive = 4  # questions that are answered at once; others wait
    queue: int = 64  # questions that wait; further ones are answered with status 503
    seconds: Seconds = 60.0  # longest wait for a turn, and longest answer
    tokens: str = ""  # a file of hashed tokens, each with name and roles; who shows none is refused
    proxies: str = ""  # addresses of proxies that say who asks, e.g. "127.0.0.1"; others are then refused
    user_header: str = "X-Forwarded-User"  # in which a proxy names whoever asks
    groups_header: str = "X-Forwarded-Groups"  # in which a proxy names the groups of whoever asks
    groups: str = ""  # their roles, in any case: "policy-hr = hr; directors = board, managers"; others give none
    about_header: str = ""  # in which a proxy says what else decides answers, like user.about: "contractor, London"
    reviewers: str = ""  # roles that may see /gaps, e.g. "hr, policy-owners"
    gaps: str = ""  # what `assistant gaps --json` prints, shown at /gaps


@dataclass(frozen=True, slots=True)
class UserSection:
    about: str = ""  # who asks here, where that decides answers, e.g. "contractor, London office"; /me in a chat


@dataclass(frozen=True, slots=True)
class TuneSection:
    rank: int = 16  # rank of the LoRA adapter
    learning_rate: float = 5e-4  # at the start; it falls along a cosine
    epochs: float = 2.0  # times each example is seen
    minutes: float = 0.0  # train no longer than about this; 0 means all epochs
    batch: int = 8  # examples a step
    max_tokens: int = 1_024  # longer examples are left out
    seed: int = 7  # for the order of the examples and the adapter's first weights
    base: str = ""  # a transformers folder to start from; empty means SmolLM2-135M with the packaged adapter
    group_size: int = 32  # weights that share a 4-bit scale
    calibration: int = 128  # training texts that GPTQ measures the weights on


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting; each stage takes its own section."""

    index: IndexSection = field(default_factory=IndexSection)
    models: ModelsSection = field(default_factory=ModelsSection)
    encoder: EncoderSection = field(default_factory=EncoderSection)
    ingest: IngestSection = field(default_factory=IngestSection)
    retrieval: RetrievalSection = field(default_factory=RetrievalSection)
    reader: ReaderSection = field(default_factory=ReaderSection)
    answer: AnswerSection = field(default_factory=AnswerSection)
    generator: GeneratorSection = field(default_factory=GeneratorSection)
    guards: GuardsSection = field(default_factory=GuardsSection)
    audit: AuditSection = field(default_factory=AuditSection)
    lint: LintSection = field(default_factory=LintSection)
    serve: ServeSection = field(default_factory=ServeSection)
    user: UserSection = field(default_factory=UserSection)
    tune: TuneSection = field(default_factory=TuneSection)
    base: Path = field(default_factory=Path.cwd)
    file: Path | None = None  # what it was read from

    @property
    def data(self) -> Path:
        """The index folder."""
        return (self.base / Path(self.index.data).expanduser()).resolve()

    @property
    def models_dir(self) -> Path:
        """The folder of the user's own models."""
        if self.models.dir:
            return (self.base / Path(self.models.dir).expanduser()).resolve()
        from platformdirs import user_cache_path

        return user_cache_path("policy-assistant") / "models"

    @property
    def audit_key(self) -> Path | None:
        """The file of the key that signs the log, if there is to be one."""
        return (self.base / Path(self.audit.key_file).expanduser()).absolute() if self.audit.key_file else None

    @property
    def tokens_file(self) -> Path | None:
        """The file of the tokens with names, if there is to be one."""
        return self._named(self.serve.tokens)

    @property
    def gaps_file(self) -> Path | None:
        """The page of what the documents leave open, if there is to be one."""
        return self._named(self.serve.gaps)

    def _named(self, name: str) -> Path | None:
        return (self.base / Path(name).expanduser()).absolute() if name else None

    @property
    def sha(self) -> str:
        """A hash of every setting, the folder of the file left out."""
        settings = {name: asdict(getattr(self, name)) for name in section_names()}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def section_names() -> tuple[str, ...]:
    """Return the names of the sections."""
    return tuple(f.name for f in fields(Config) if f.name not in ("base", "file"))


def load_config(path: Path | None = None) -> Config:
    """Read `path`, or `config.toml` of the working folder if there is one, or the defaults.

    A file that was merely found switches guards and log off as well as one that was named, so it must be the user's.
    Raises ConfigError naming every fault: a missing file, bad TOML, unknown sections or keys, wrong types, bad values,
    and a found file that other accounts may write.
    """
    if path is None:
        path = Path(DEFAULT_NAME)
        return _load(path, found=True) if path.is_file() else Config()
    return _load(path, found=False)


def _load(path: Path, *, found: bool) -> Config:
    try:
        with path.open(encoding="utf-8") as file:
            if found and (doubt := distrust(path, file.fileno())):
                cause = f"the {DEFAULT_NAME} of this folder is not obeyed: {doubt}."
                raise ConfigError(cause, f"If it says what you want, name it: --config {DEFAULT_NAME}")
            raw = read_toml(file)
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}.", "Check --config.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Correct that file.") from error
    return replace(parse_config(raw, base=path.resolve().parent, name=str(path)), file=path.resolve())


def parse_config(raw: dict[str, Any], base: Path, name: str = DEFAULT_NAME) -> Config:
    """Build a Config from parsed TOML; raises ConfigError listing every fault at once."""
    hints = get_type_hints(Config)
    sections = {name: hints[name] for name in section_names()}
    faults: list[str] = []
    built: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in sections:
            faults.append(f"unknown section [{key}]{did_you_mean(key, sections)}")
        elif not isinstance(value, dict):
            faults.append(f"[{key}] must be a section, not {value!r}")
        else:
            built[key] = _section(key, sections[key], value, faults)
    if not faults:
        faults += _conflicts(config := Config(**built, base=base))
    if faults:
        raise ConfigError(
            f"{name}: " + "; ".join(faults) + ".", "Correct it, or leave it out: each setting has a default."
        )
    return config


def _section(name: str, kind: type, raw: dict[str, Any], faults: list[str]) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key not in hints:
            faults.append(f"unknown key {name}.{key}{did_you_mean(key, hints)}")
        elif fault := _fault(value, hints[key]):
            faults.append(f"{name}.{key} must be {fault}, not {value!r}")
        else:
            values[key] = _plain(hints[key])(value)
    return kind(**values)


def _fault(value: Any, hint: Any) -> str:
    """Say what a setting of this type must be, empty if the value is that."""
    kind = _plain(hint)
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, (int, float) if kind is float else kind):
        return str(kind.__name__)
    limits = get_args(hint)[1:]
    if kind is str:
        return "" if not limits or value in limits[0] else f"one of {', '.join(limits[0])}"
    least, greatest = limits[0] if limits else (0, MOST)
    return "" if least <= value <= greatest else f"between {least:,} and {greatest:,}"


def _plain(hint: Any) -> Any:
    return (get_args(hint) or (hint,))[0]


def _conflicts(config: Config) -> Iterator[str]:
    """Say which settings, each of them good, do not go together or name no place."""
    try:
        _ = config.data, config.models_dir, config.audit_key, config.tokens_file, config.gaps_file
    except (ValueError, RuntimeError) as error:
        named = "index.data, models.dir, audit.key_file, serve.tokens and serve.gaps"
        yield f"{named} must name places: {error}"
    if config.serve.tokens and config.serve.proxies:
        yield "serve.tokens and serve.proxies both say who asks; leave one out"
    if config.generator.remote and not config.generator.model:
        yield 'generator.model must name a model for langchain, like "openai:my-model"'
    if config.ingest.passage_max_words < config.ingest.passage_words:
        yield "ingest.passage_max_words must not be below ingest.passage_words"
