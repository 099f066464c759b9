"""A model is installed whole or not at all, and once, whoever is interrupted or comes at the same time."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from assistant.core.errors import ModelDamaged
from assistant.core.records import ModelRecord
from assistant.models.registry import Registry
from tune.graphs.install import install as install_model


def write_two(folder: Path) -> dict[str, str]:
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 16)
    (folder / "sub").mkdir()
    (folder / "sub" / "config.json").write_text("{}", encoding="utf-8")
    return {"cosine": "1.0"}


def install(root: Path, model_id: str = "m") -> ModelRecord:
    return install_model(root, model_id, "encoder", "parent", {"precision": "float32"}, write_two)


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


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, failure: BaseException) -> None:
    def build(folder: Path) -> None:
        write_two(folder)
        raise failure

    with pytest.raises(type(failure)):
        install_model(tmp_path, "m", "encoder", None, {}, build)
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
    return install_model(Path(root), "m", "runtime", None, {}, build_slowly).files["weights.bin"]


def test_concurrent_installs_build_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        shas = pool.map(install_slowly, [str(tmp_path)] * 3, chunksize=1)
    assert len(set(shas)) == 1
    assert len((tmp_path / "builds.txt").read_text(encoding="utf-8").splitlines()) == 1
    assert names(tmp_path) - {".m.lock"} == {"m", "builds.txt"}
