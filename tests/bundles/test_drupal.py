"""The bundle of a Drupal site: versions by content, the last good one while the site is away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.stub_drupal import StubDrupal
from flowdrop_provider.bundles.drupal import DrupalDagBundle
from flowdrop_provider.errors import ConfigurationError
from tests.flows import flow, node

Make = Callable[..., DrupalDagBundle]


def text_flow(flow_id: str, text: str) -> dict[str, Any]:
    nodes = [node("text_input.1", defaultValue=text), node("text_output.1")]
    return flow(flow_id, nodes, ["text_input.1:text > text_output.1:text"])


@pytest.fixture
def stub() -> Iterator[StubDrupal]:
    with StubDrupal().running() as site:
        site.save(text_flow("greeting", "hello"))
        yield site


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stub: StubDrupal) -> Make:
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))

    def made(*, secret: str = stub.secret, **options: Any) -> DrupalDagBundle:
        extra = {"signing_secret": secret, "attempts": 1, "timeout": 2}
        fields = {"conn_type": "drupal", "host": stub.url, "login": stub.user, "password": stub.password, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SITE", json.dumps(fields))
        return DrupalDagBundle(name="drupal", drupal_conn_id="site", **options)

    return made


def version(bundle: DrupalDagBundle) -> str:
    return bundle.get_current_version().version


def loaders(bundle: DrupalDagBundle) -> list[str]:
    return sorted(path.name for path in bundle.path.glob("*.py"))


def test_a_site_becomes_a_version_and_stays_it_until_it_changes(make: Make, stub: StubDrupal) -> None:
    bundle = make()
    bundle.initialize()
    first = version(bundle)
    assert loaders(bundle) == ["flowdrop_loader_1.py"]
    bundle.refresh()
    assert version(bundle) == first
    assert "if-none-match" in stub.requests[-1].headers
    stub.save(text_flow("greeting", "changed"))
    bundle.refresh()
    assert version(bundle) != first
    assert (bundle.versions_dir / first / "documents").is_dir()


def test_what_is_saved_becomes_a_dag(make: Make) -> None:
    from flowdrop_provider.dag_factory import build_airflow_dags

    bundle = make()
    bundle.initialize()
    assert set(build_airflow_dags(bundle.path / "documents")) == {"flowdrop_greeting"}


def test_going_back_looks_new_to_the_dag_processor(make: Make, stub: StubDrupal) -> None:
    bundle = make()
    bundle.initialize()
    first, loader = version(bundle), bundle.path / "flowdrop_loader_1.py"
    before = dict(stub.files)
    stub.save(text_flow("greeting", "changed"))
    bundle.refresh()
    import os

    os.utime(loader, (1, 1))
    stub.files = before
    bundle.refresh()
    assert version(bundle) == first
    assert loader.stat().st_mtime > 1


@pytest.mark.parametrize("trouble", ["down", "maintenance", "rubbish", "secret"])
def test_while_the_site_is_away_the_last_good_version_stays_and_says_so(make: Make, stub: StubDrupal, trouble: str) -> None:
    bundle = make()
    bundle.initialize()
    good, documents = version(bundle), sorted(path.name for path in (bundle.path / "documents").iterdir())
    if trouble == "secret":
        stub.secret = "f" * 32
    else:
        setattr(stub, trouble, "<html>Oops" if trouble == "rubbish" else True)
    bundle.refresh()
    away = version(bundle)
    assert away.startswith(f"{good}-")
    assert loaders(bundle) == ["flowdrop_broken__the_site.py", "flowdrop_loader_1.py"]
    assert "last good version stays" in (bundle.path / "flowdrop_broken__the_site.py").read_text()
    assert sorted(path.name for path in (bundle.path / "documents").iterdir()) == documents
    bundle.refresh()
    assert version(bundle) == away
    stub.down, stub.maintenance, stub.rubbish, stub.secret = False, False, "", "0123456789abcdef0123456789abcdef"
    bundle.refresh()
    assert version(bundle) == good


def test_another_process_goes_on_from_the_last_good_version(make: Make, stub: StubDrupal) -> None:
    first = make()
    first.initialize()
    stub.down = True
    second = make()
    second.initialize()
    assert version(second).startswith(version(first))


def test_a_site_that_was_never_there_is_an_import_error_and_nothing_else(make: Make, stub: StubDrupal) -> None:
    stub.down = True
    bundle = make()
    bundle.initialize()
    assert loaders(bundle) == ["flowdrop_broken__the_site.py"]
    stub.down = False
    bundle.refresh()
    assert loaders(bundle) == ["flowdrop_loader_1.py"]


def test_a_broken_workflow_is_an_import_error_of_its_own(make: Make, stub: StubDrupal) -> None:
    broken = text_flow("broken", "x")
    broken["nodes"][0]["data"]["metadata"]["node_type_id"] = "text_inputt"
    stub.save(broken)
    bundle = make()
    bundle.initialize()
    assert loaders(bundle) == ["flowdrop_broken__flowdrop_workflow_flowdrop_workflow_broken_yml.py", "flowdrop_loader_1.py"]


def test_without_the_module_flowdrops_own_api_serves(make: Make, stub: StubDrupal) -> None:
    stub.files["flowdrop_node_type.flowdrop_node_type.own_text.yml"] = json.dumps(
        {"id": "own_text", "executor_plugin": "text_input", "parameters": {}, "outputs": {}}
    )
    bundle = make(secret="")
    bundle.initialize()
    first = version(bundle)
    names = sorted(path.name for path in (bundle.path / "documents").iterdir())
    assert names == ["flowdrop_node_type.flowdrop_node_type.own_text.yml", "greeting.json"]
    bundle.refresh()
    assert version(bundle) == first
    stub.save(text_flow("second", "x"))
    bundle.refresh()
    assert version(bundle) != first


def test_names_from_the_site_never_leave_the_folder(make: Make, stub: StubDrupal) -> None:
    for name in ("../evil.yml", "flowdrop_workflow.flowdrop_workflow.../x.yml", "/etc/passwd", "loader.py"):
        stub.files = {name: "x"}
        bundle = make()
        bundle.refresh()
        assert "flowdrop_broken__the_site.py" in loaders(bundle)
        assert "may not be called" in (bundle.path / "flowdrop_broken__the_site.py").read_text()


def test_a_pinned_version_is_found_here_in_the_archive_or_nowhere(make: Make, stub: StubDrupal, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    bundle = make(archive=archive)
    bundle.initialize()
    first = version(bundle)
    stub.save(text_flow("greeting", "changed"))
    bundle.refresh()
    shutil.rmtree(bundle.versions_dir)
    pinned = make(archive=archive, version=first)
    pinned.initialize()
    assert "hello" in (pinned.path / "documents" / "flowdrop_workflow.flowdrop_workflow.greeting.yml").read_text()
    with pytest.raises(ConfigurationError) as caught:
        pinned.refresh()
    assert caught.value.code == "CONF_BUNDLE_PINNED"
    shutil.rmtree(bundle.versions_dir)
    with pytest.raises(ConfigurationError) as caught:
        make(version=first).initialize()
    assert caught.value.code == "CONF_BUNDLE_VERSION_GONE"
    current = make(version=version(bundle))
    current.initialize()
    assert "changed" in (current.path / "documents" / "flowdrop_workflow.flowdrop_workflow.greeting.yml").read_text()
