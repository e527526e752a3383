"""A folder with odd names in it, as the DAG processor finds it; no running Airflow."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path

import pytest

from flowdrop_provider.bundles.folder import FlowDropFolderBundle
from tests.flows import chain


def test_names_of_files_are_no_code_and_hide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "storage"))
    exports, proof = tmp_path / "exports", tmp_path / "proof"
    exports.mkdir()
    (exports / "good.json").write_text(json.dumps(chain("good", 2)))
    names = [
        f"x\nopen({str(proof).replace('/', chr(92) + '57')!r}, 'w')\n#.json",
        "coding: utf-7 +AAo-open('proof','w').json",
        os.fsdecode(b"\xff\xfe.json"),
        "節" * 80 + ".json",
    ]
    for name in names:
        (exports / name).write_text("[")
    monkeypatch.chdir(tmp_path)
    bundle = FlowDropFolderBundle(name="odd", path=str(exports))
    bundle.initialize()
    bundle.refresh()
    dags, said = [], []
    for file in sorted(bundle.path.glob("*.py")):
        try:
            dags += [name for name in runpy.run_path(str(file)) if name.startswith("flowdrop_good")]
        except Exception as error:
            said.append((type(error).__name__, str(error)))
    assert dags == ["flowdrop_good"]
    assert [kind for kind, _ in said] == ["BrokenExportError"] * len(names)
    assert all("DOC_MALFORMED" in text and "\n" not in text for _, text in said)
    assert not proof.exists()
