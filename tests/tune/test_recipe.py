"""`assistant tune run` on the sample company: a run that was killed goes on, and its result serves or is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from assistant.core.config import Config
from assistant.core.errors import UsageError
from assistant.core.package import EXTRAS
from tune.graphs.generator import ADAPTER, install_base
from tune.recipe import STAGES, Plan, run

CORPORA = Path(__file__).parents[2] / "corpora"
CONFIG = """\
[models]
dir = {models}
[index]
data = {data}
[reader]
passages = 4
[tune]
minutes = 1.0
rank = 4
batch = 2
calibration = 16
"""
FOLDER = "hr"  # of the sample company: reading with the questions made of it takes most of a run
KILLED = "train"  # the stage in which the first run dies
SECONDS = 1_800  # each run: a busy machine takes more than a quiet one's ten minutes


def command(config: Path, out: Path, *more: str) -> list[str]:
    code = "from assistant.cli import main; main()"
    questions = str(config.with_name("questions.jsonl"))
    told = ["tune", "run", questions, "--config", str(config), "--out", str(out), "--limit", "8"]
    return [sys.executable, "-c", code, *told, *more]


def manifest(out: Path, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / stage / "manifest.json").read_text(encoding="utf-8"))
    return found


def copy_folder(root: Path) -> Path:
    """Copy `FOLDER` of the sample company, and write the questions about it, to `root`; return the copy's parent."""
    shutil.copytree(CORPORA / FOLDER, root / "corpora" / FOLDER)
    asked = [json.loads(line) for line in (CORPORA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [json.dumps(question) for question in asked if question["doc"].startswith(f"{FOLDER}/")]
    (root / "questions.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return root / "corpora"


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"no stage 'bake'.*"):
        run(Plan((), tmp_path, until="bake"), Config(), lambda *told: None)
    monkeypatch.setitem(EXTRAS, "tune", ("json", "no_such_package"))
    with pytest.raises(UsageError, match=r"tuning needs .*no_such_package"):
        run(Plan((), tmp_path), Config(), lambda *told: None)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.skipif(find_spec("gptqmodel") is None, reason="needs the extra [tune]")
def test_a_run_that_was_killed_goes_on_to_a_report(models_dir: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"  # promoting must not change what other tests are answered by
    models.mkdir()
    install_base(models, ADAPTER)
    config, out = tmp_path / "config.toml", tmp_path / "tuning"
    text = CONFIG.format(models=json.dumps(str(models)), data=json.dumps(str(tmp_path / "index")))
    config.write_text(text, encoding="utf-8")
    corpora = copy_folder(tmp_path)
    code = "from assistant.cli import main; main()"
    ingest = [sys.executable, "-c", code, "ingest", str(corpora), "--config", str(config), "--quiet"]
    subprocess.run(ingest, check=True)

    first = subprocess.Popen(command(config, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + SECONDS
        while not list(out.glob(f"{KILLED}/checkpoint-*/trainer_state.json")):
            assert first.poll() is None and time.monotonic() < until
            time.sleep(0.2)
    finally:
        first.kill()
        first.wait()
    made = manifest(out, "dataset")["made"]

    again = subprocess.run(command(config, out, "--json"), capture_output=True, text=True, timeout=SECONDS)
    assert again.returncode in (0, 7), again.stderr
    assert [manifest(out, stage)["stage"] for stage in STAGES] == list(STAGES)
    assert manifest(out, "dataset")["made"] == made, "a stage that was done is not done again"
    assert manifest(out, "quantize")["measured"]["of_bfloat16"] <= 0.45
    assert {"report.md", "report.json", "loss.png", "models.png"} <= {path.name for path in out.iterdir()}
    report = manifest(out, "evaluate")["measured"]
    assert set(report) == {"extractive", "serving", "gptq", "merged"}
    serves = (models / "promoted.json").exists()
    assert serves == (again.returncode == 0)
    if not serves:
        assert "is not promoted" in again.stderr
