"""A stage is done once, goes on after a stop, and is made anew when what it was made from changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tune.stages import MANIFEST, read_stage, run_stage


def write(folder: Path) -> dict[str, Any]:
    (folder / "out.txt").write_text(str(len(list(folder.glob("part-*")))), encoding="utf-8")
    return {"lines": 1}


def refuse(folder: Path) -> dict[str, Any]:
    raise AssertionError("it was made before")


def stop(folder: Path) -> dict[str, Any]:
    (folder / "part-1").write_text("half", encoding="utf-8")
    raise KeyboardInterrupt


def test_a_finished_stage_is_not_done_again(tmp_path: Path) -> None:
    made = run_stage(tmp_path, "one", {"in": "a"}, {"size": 1}, write)
    again = run_stage(tmp_path, "one", {"in": "a"}, {"size": 1}, refuse)
    assert again == made and made.measured == {"lines": 1}


@pytest.mark.parametrize(("inputs", "settings"), [({"in": "b"}, {"size": 1}), ({"in": "a"}, {"size": 2})])
def test_other_inputs_or_settings_make_it_anew(
    tmp_path: Path, inputs: dict[str, str], settings: dict[str, int]
) -> None:
    run_stage(tmp_path, "one", {"in": "a"}, {"size": 1}, write)
    (tmp_path / "one" / "part-0").write_text("old", encoding="utf-8")
    made = run_stage(tmp_path, "one", inputs, settings, write)
    assert (made.folder / "out.txt").read_text(encoding="utf-8") == "0"


def test_a_stopped_stage_goes_on_from_what_it_had(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "one", {}, {}, stop)
    assert read_stage(tmp_path / "one") is None
    made = run_stage(tmp_path, "one", {}, {}, write)
    assert (made.folder / "out.txt").read_text(encoding="utf-8") == "1"


def test_a_changed_file_counts_as_not_made(tmp_path: Path) -> None:
    made = run_stage(tmp_path, "one", {}, {}, write)
    (made.folder / "out.txt").write_text("!", encoding="utf-8")
    assert read_stage(made.folder) is None
    (made.folder / MANIFEST).write_text("[", encoding="utf-8")
    assert read_stage(made.folder) is None
