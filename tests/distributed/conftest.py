"""One deployment a session. All but the short form waits for somebody to ask for it: ``make test-distributed``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _asked(config: pytest.Config) -> bool:
    return "distributed" in str(config.option.markexpr)


def _lifetime(fixture_name: str, config: pytest.Config) -> str:
    """Beside all other tests it ends with its short form: even idle it takes a third of a processor."""
    return "session" if _asked(config) else "module"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    own = [item for item in items if item.path.is_relative_to(HERE)]
    for item in own:
        item.add_marker(pytest.mark.integration)
    left = [item for item in own if item.get_closest_marker("distributed") and not _asked(config)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope=_lifetime)
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """Give a running deployment with its workflows; see :class:`tests.distributed.bench.Bench`."""
    if not (shutil.which("redis-server") or shutil.which("valkey-server")):
        pytest.skip("redis-server is not installed: apt-get install -y redis-server")
    from devtools.distributed import QUICK
    from tests.distributed.bench import Bench, DistributedHarness
    from tests.distributed.effects import counting
    from tests.distributed.flows import documents

    with counting() as effects:
        settings = QUICK | {"AIRFLOW__FLOWDROP__LARGE_VALUE_BYTES": "2000"}
        harness = DistributedHarness(tmp_path_factory.mktemp("distributed"), **settings)
        # All at once, before anything runs: each machine has the same exports from the beginning.
        for document in documents(effects.url):
            harness.add_workflow(f"{document['id']}.json", json.dumps(document))
        try:
            harness.start()
            for document in documents(effects.url):
                harness.await_dag(f"flowdrop_{document['id']}")
            found = Bench(harness, effects)
            yield found
            found.look_again()
        finally:
            harness.stop()
