"""``flowdrop sync`` against the stand-in for a site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.stub_drupal import StubDrupal
from flowdrop_provider.cli import main
from tests.flows import flow, node


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubDrupal]:
    with StubDrupal().running() as site:
        site.save(flow("one", [node("text_input.1", defaultValue="1")]))
        monkeypatch.setenv("FLOWDROP_DRUPAL_SECRET", site.secret)
        monkeypatch.delenv("FLOWDROP_DRUPAL_PASSWORD", raising=False)
        yield site


def test_a_sync_writes_changes_and_deletes(stub: StubDrupal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "system.site.yml"
    own.write_text("name: kept\n")
    assert main(["sync", stub.url, str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "+ flowdrop_workflow.flowdrop_workflow.one.yml",
        "1 files, 1 changed, 0 deleted.",
    ]
    assert main(["sync", stub.url, str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": 1, "changed": [], "deleted": []}
    stub.files.clear()
    stub.save(flow("two", [node("text_input.1", defaultValue="2")]))
    assert main(["sync", stub.url, str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changed"] == ["flowdrop_workflow.flowdrop_workflow.two.yml"]
    assert told["deleted"] == ["flowdrop_workflow.flowdrop_workflow.one.yml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flowdrop_workflow.flowdrop_workflow.two.yml", own.name]
    assert main(["validate", str(tmp_path)]) == 0


def test_with_an_account_instead_of_the_module(
    stub: StubDrupal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLOWDROP_DRUPAL_SECRET")
    monkeypatch.setenv("FLOWDROP_DRUPAL_PASSWORD", stub.password)
    assert main(["sync", stub.url, str(tmp_path), "--user", stub.user]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


def test_a_site_that_is_away_deletes_nothing(
    stub: StubDrupal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sync", stub.url, str(tmp_path)])
    monkeypatch.setenv("FLOWDROP_DRUPAL_SECRET", "f" * 32)
    assert main(["sync", stub.url, str(tmp_path)]) == 1
    assert "does not fit" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 1


def test_a_check_says_what_works(stub: StubDrupal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync", stub.url, str(tmp_path), "--check"]) == 0
    assert "accepts the signature" in capsys.readouterr().out
    stub.module = False
    assert main(["sync", stub.url, str(tmp_path), "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["works"] is False
    assert list(tmp_path.iterdir()) == []
