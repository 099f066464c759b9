"""The registry: what is installed is whole, is checked, and is built once."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from assistant.core.errors import ModelDamaged, ModelMissing, UsageError
from assistant.core.records import ModelRecord
from assistant.models.registry import MANIFEST, Registry


def write_two(folder: Path) -> dict[str, str]:
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 16)
    (folder / "sub").mkdir()
    (folder / "sub" / "config.json").write_text("{}", encoding="utf-8")
    return {"cosine": "1.0"}


def install(root: Path, model_id: str = "m") -> ModelRecord:
    return Registry(root).install(model_id, "encoder", "parent", {"precision": "float32"}, write_two)


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_what_is_installed_is_described(tmp_path: Path) -> None:
    record = install(tmp_path)
    assert record == Registry(tmp_path).load("m")
    assert (record.id, record.kind, record.parent_id) == ("m", "encoder", "parent")
    assert set(record.files) == {"weights.bin", "sub/config.json"}
    assert record.settings == {"precision": "float32", "cosine": "1.0"}
    assert Path(record.path) == tmp_path / "m"
    Registry(tmp_path).verify(record)


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "nowhere")
    assert not registry.has("m")
    with pytest.raises(ModelMissing, match="assistant"):
        registry.load("m")


@pytest.mark.parametrize("model_id", ["", "..", "../x", "a/b", "/etc", ".hidden", "a\\b", "-x", "a\n"])
def test_an_id_cannot_leave_the_folder(tmp_path: Path, model_id: str) -> None:
    with pytest.raises(UsageError):
        Registry(tmp_path).path(model_id)


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    record = install(tmp_path)
    path = Path(record.path) / "weights.bin"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(time.time_ns(), time.time_ns()))
    with pytest.raises(ModelDamaged, match=r"weights\.bin.*Delete the folder"):
        Registry(tmp_path).verify(record)
    with pytest.raises(ModelDamaged):  # a failed check does not stamp
        Registry(tmp_path).verify(record)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    record = install(tmp_path)
    (Path(record.path) / "sub" / "config.json").unlink()
    with pytest.raises(ModelDamaged, match=r"config\.json"):
        Registry(tmp_path).verify(record)


def test_files_are_hashed_only_when_their_stat_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = install(tmp_path)
    hashed: list[str] = []
    from assistant.models import registry

    real = registry.hash_file

    def count(path: Path) -> str:
        hashed.append(path.name)
        return real(path)

    monkeypatch.setattr(registry, "hash_file", count)
    Registry(tmp_path).verify(record)
    assert hashed == []
    os.utime(Path(record.path) / "weights.bin")  # touched, content the same
    Registry(tmp_path).verify(record)
    assert sorted(hashed) == ["config.json", "weights.bin"]
    Registry(tmp_path).verify(record)
    assert len(hashed) == 2


def test_a_changed_hash_in_the_manifest_is_noticed_through_the_stamp(tmp_path: Path) -> None:
    path = Path(install(tmp_path).path) / MANIFEST
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["files"]["weights.bin"] = "0" * 64
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"weights\.bin"):
        Registry(tmp_path).verify(Registry(tmp_path).load("m"))


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
def test_a_bad_manifest_is_damage(tmp_path: Path, change: dict[str, object]) -> None:
    path = Path(install(tmp_path).path) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(ModelDamaged):
        Registry(tmp_path).load("m")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_an_unreadable_manifest_is_damage(tmp_path: Path, content: bytes) -> None:
    path = Path(install(tmp_path).path) / MANIFEST
    path.write_bytes(content)
    with pytest.raises(ModelDamaged):
        Registry(tmp_path).load("m")


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, failure: BaseException) -> None:
    def build(folder: Path) -> None:
        write_two(folder)
        raise failure

    with pytest.raises(type(failure)):
        Registry(tmp_path).install("m", "encoder", None, {}, build)
    assert names(tmp_path) <= {".m.lock"}
    assert install(tmp_path).id == "m"  # and the next one succeeds


def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    for left in (".m.99999.tmp", ".m.5.99999.tmp", ".other.99999.tmp"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "half").write_text("x", encoding="utf-8")
    install(tmp_path)
    assert names(tmp_path) - {".m.lock"} == {"m", ".m.5.99999.tmp", ".other.99999.tmp"}  # others' are not ours to judge


def test_a_folder_of_someone_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ModelDamaged):
        install(tmp_path)
    assert (tmp_path / "m" / "notes.txt").read_text(encoding="utf-8") == "mine"


def build_slowly(folder: Path) -> None:
    with (folder.parent / "builds.txt").open("a", encoding="utf-8") as log:
        log.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    write_two(folder)


def install_slowly(root: str) -> str:
    return Registry(Path(root)).install("m", "runtime", None, {}, build_slowly).files["weights.bin"]


def test_concurrent_installs_build_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        shas = pool.map(install_slowly, [str(tmp_path)] * 3, chunksize=1)
    assert len(set(shas)) == 1
    assert len((tmp_path / "builds.txt").read_text(encoding="utf-8").splitlines()) == 1
    assert names(tmp_path) - {".m.lock"} == {"m", "builds.txt"}


def test_importing_it_is_light() -> None:
    import subprocess
    import sys

    heavy = "{'torch', 'transformers', 'onnx', 'onnxruntime', 'numpy', 'filelock'}"
    code = f"import sys, assistant.models.registry; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
