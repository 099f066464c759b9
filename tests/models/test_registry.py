"""The registry: a model is found by its name, and what is wrong with its files is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from assistant.core.errors import ModelDamaged, ModelMissing, UsageError
from assistant.core.records import ModelRecord
from assistant.models import registry
from assistant.models.registry import MANIFEST, Registry
from tune.graphs.install import install


@pytest.fixture
def record(tmp_path: Path) -> ModelRecord:
    """A model of the user's in `tmp_path`."""

    def build(folder: Path) -> None:
        (folder / "weights.bin").write_bytes(bytes(range(256)) * 16)
        (folder / "sub").mkdir()
        (folder / "sub" / "config.json").write_text("{}", encoding="utf-8")

    return install(tmp_path, "m", "encoder", None, {}, build)


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    models = Registry(tmp_path / "nowhere")
    assert not models.has("m")
    with pytest.raises(ModelMissing, match="assistant tune list"):
        models.load("m")


@pytest.mark.parametrize("model_id", ["", "..", "../x", "a/b", "/etc", ".hidden", "a\\b", "-x", "a\n"])
def test_an_id_cannot_leave_the_folder(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(UsageError):
        Registry(tmp_path).path(model_id)


def test_a_flipped_byte_is_found_by_hashing(record: ModelRecord, tmp_path: Path) -> None:
    path = Path(record.path) / "weights.bin"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"weights\.bin.*Delete the folder"):
        Registry(tmp_path).verify(Registry(tmp_path).load("m"))


def test_a_file_that_is_cut_off_is_found_at_once(record: ModelRecord, tmp_path: Path) -> None:
    (Path(record.path) / "weights.bin").write_bytes(b"cut off")
    with pytest.raises(ModelDamaged, match=r"weights\.bin has 7 bytes, not 4,096"):
        Registry(tmp_path).load("m")


def test_a_missing_file_is_found_at_once(record: ModelRecord, tmp_path: Path) -> None:
    (Path(record.path) / "sub" / "config.json").unlink()
    with pytest.raises(ModelDamaged, match=r"config\.json"):
        Registry(tmp_path).load("m")
    with pytest.raises(ModelDamaged, match=r"config\.json"):
        Registry(tmp_path).verify(record)


def test_a_manifest_of_before_has_no_sizes(record: ModelRecord, tmp_path: Path) -> None:
    path = Path(record.path) / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8"))
    del raw["bytes"]
    path.write_text(json.dumps(raw), encoding="utf-8")
    assert Registry(tmp_path).load("m") == record


def test_a_changed_hash_in_the_manifest_is_found_by_hashing(record: ModelRecord, tmp_path: Path) -> None:
    path = Path(record.path) / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["files"]["weights.bin"] = "0" * 64
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"weights\.bin"):
        Registry(tmp_path).verify(Registry(tmp_path).load("m"))


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package's folder, with no models yet."""
    folder = tmp_path / "packaged"
    folder.mkdir()
    monkeypatch.setattr(registry, "PACKAGED", folder)
    return folder


def test_no_model_of_the_users_stands_in_for_one_that_came_along(
    record: ModelRecord, packaged: Path, tmp_path: Path
) -> None:
    shutil.copytree(record.path, packaged / "models" / "m")
    models = Registry(tmp_path)
    assert Path(models.load("m").path) == packaged / "models" / "m"
    assert [each.id for each in models.all()] == ["m"]
    (packaged / "models" / "m" / "weights.bin").unlink()
    with pytest.raises(ModelDamaged, match="Install the assistant again"):
        models.load("m")


def test_an_editable_installation_points_to_its_models(record: ModelRecord, packaged: Path, tmp_path: Path) -> None:
    empty = Registry(tmp_path / "nowhere")
    assert not empty.has("m")
    (packaged / registry.POINTER).write_text(f"{tmp_path}\n", encoding="utf-8")
    assert empty.has("m") and empty.load("m") == record


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"kind": "spaceship"},
        {"files": {"../../etc/passwd": "0"}},
        {"files": {"/etc/passwd": "0"}},
        {"files": 3},
        {"settings": None},
    ],
)
def test_a_bad_manifest_is_damage(record: ModelRecord, tmp_path: Path, change: dict[str, object]) -> None:
    path = Path(record.path) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelDamaged):
        Registry(tmp_path).load("m")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_an_unreadable_manifest_is_damage(record: ModelRecord, tmp_path: Path, content: bytes) -> None:
    path = Path(record.path) / MANIFEST
    path.write_bytes(content)
    with pytest.raises(ModelDamaged):
        Registry(tmp_path).load("m")


def test_importing_it_is_light() -> None:
    import subprocess
    import sys

    heavy = "{'torch', 'transformers', 'onnx', 'onnxruntime', 'numpy', 'filelock'}"
    code = f"import sys, assistant.models.registry; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
