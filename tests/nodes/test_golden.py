"""The first-generation catalogue against vectors measured on FlowDrop's PHP processors (``golden/*.jsonl``).

A vector holds what one processor returned, so each runs through the engine's parameter resolution and the processor; what the
engine does afterwards (exposure, the JSON check of ERR-6) is tested where it lives. A vector that we do not match on purpose is
listed with its reason in ``golden/deviations.toml``; one that is listed but matches fails too, so the list cannot rot.
``-s -k tally`` prints equal / deviating / total per processor.
"""

from __future__ import annotations

import base64
import collections
import datetime as dt
import json
import math
import os
import random
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.document.node_types import NodeType
from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.file_store import LocalFileStore
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.registry import get_processor
from flowdrop_provider.nodes.world import World

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden"
DEVIATIONS = tomllib.loads((Path(__file__).parent / "golden" / "deviations.toml").read_text())
#: Describes ports, holds no vectors.
NOT_VECTORS = {"plugin_schemas"}
_MILLISECONDS = re.compile(r"\d+ (ms|milliseconds)")


def _vectors() -> list[dict[str, Any]]:
    files = sorted(path for path in GOLDEN.glob("*.jsonl") if path.stem not in NOT_VECTORS)
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


VECTORS = _vectors()
#: The ports a first-generation site has: its node types take them from the processor's input schema.
_PORTS = {
    schema["plugin"]: set((schema["input_schema"] or {}).get("properties") or ())
    for line in ((GOLDEN / "plugin_schemas.jsonl").read_text().splitlines() if VECTORS else ())
    for schema in [json.loads(line)]
}
needs_golden = pytest.mark.skipif(not VECTORS, reason=f"no golden vectors below {GOLDEN}; set FLOWDROP_SHARED")


def _decoded(value: Any) -> Any:
    """Return a vector's value with its byte strings and special floats in Python's form."""
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"]).decode("utf-8", "surrogateescape")
        if set(value) == {"$float"}:
            return float(value["$float"])
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _substituted(value: Any, places: dict[str, str]) -> Any:
    text = json.dumps(value)
    for name, place in places.items():
        text = text.replace("{" + name + "}", place)
    return json.loads(text)


def equal(ours: Any, theirs: Any) -> bool:
    """Compare JSON: numbers by value, and PHP's empty array stands for an empty list and an empty map."""
    if ours in ([], {}) and theirs in ([], {}):
        return True
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def _without_volatile(output: Any, paths: list[str]) -> Any:
    """Return the output without its volatile paths; ``path:milliseconds`` only blanks the durations in a text."""
    copy = json.loads(json.dumps(output))
    for path in paths:
        dotted, _, what = path.partition(":")
        *parents, last = dotted.split(".")
        place = copy
        for name in parents:
            place = place.get(name, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict) and last in place:
            if what:
                place[last] = _MILLISECONDS.sub(r"N \1", str(place[last]))
            else:
                del place[last]
    return copy


class _ForcedRandom(random.Random):
    """A draw that always falls on one side."""

    def __init__(self, value: float) -> None:
        super().__init__(1)
        self._value = value

    def random(self) -> float:
        return self._value


def _world(vector: dict[str, Any], sandbox: Path) -> World:
    frozen = vector.get("extra", {}).get("frozen_unix")
    moment = dt.datetime.fromtimestamp(frozen or 1736937045, dt.timezone.utc)
    forced = re.search(r"forced to (\d)", vector.get("note", ""))
    rng = _ForcedRandom(0.0 if forced and forced[1] == "1" else 0.99)
    client = PinnedHttpClient(HttpPolicy(allow_networks=("127.0.0.0/8",)))
    # Some vectors were recorded with PHP's YAML extension switched off, and those after it say "as above".
    yaml = "without" not in vector["case"] or vector["config"].get("format") != "yaml"
    return World(now=lambda: moment, rng=rng, http=client, files=LocalFileStore(sandbox), yaml=yaml)


def _first_generation(node_type: NodeType, plugin: str) -> NodeType:
    """Return the node type of a first-generation site: what is no port there cannot be wired."""
    ports = _PORTS.get(plugin) or set(node_type.parameters)
    parameters = {
        name: parameter if name in ports else parameter.model_copy(update={"connectable": False})
        for name, parameter in node_type.parameters.items()
    }
    return node_type.model_copy(update={"parameters": parameters})


def _run(vector: dict[str, Any], places: dict[str, str], sandbox: Path) -> Any:
    """Return the node's output, or the :class:`NodeError` it ended with."""
    config = _decoded(_substituted(vector["config"], places)) or {}
    config = {**vector.get("plugin_configuration", {}), **config}
    inputs = _decoded(_substituted(vector["inputs"], places)) or {}
    if isinstance(inputs, list):
        inputs = {str(place): item for place, item in enumerate(inputs)}
    before = re.search(r"before: (\S+) holds '(.*)'", vector.get("note", ""))
    if before:
        target = sandbox / "public" / "flowdrop" / before[1]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(before[2])
    processor = get_processor(vector["processor"])
    assert processor is not None, f"no processor {vector['processor']}"
    try:
        params = resolve(_first_generation(processor.node_type, vector["processor"]), config, inputs)
        context = NodeContext("n", inputs=inputs, config=config, world=_world(vector, sandbox))
        return processor.function(params, context)
    except NodeError as error:
        return error


def mismatch(vector: dict[str, Any], places: dict[str, str], sandbox: Path) -> str | None:
    """Run the vector; return what differs, or ``None``."""
    ours = _run(vector, {**places, "SANDBOX": str(sandbox)}, sandbox)
    if "error" in vector:
        return None if isinstance(ours, NodeError) else f"expected an error, got {ours!r}"
    if isinstance(ours, NodeError):
        return f"unexpected error: {ours}"
    theirs = _substituted(vector["output"], {**places, "SANDBOX": str(sandbox)})
    ours, theirs = (_without_volatile(side, vector.get("volatile", [])) for side in (ours, _decoded(theirs)))
    if not equal(ours, theirs):
        return f"\n ours   {json.dumps(ours)}\n theirs {json.dumps(theirs)}"
    return _file_mismatch(vector, sandbox)


def _file_mismatch(vector: dict[str, Any], sandbox: Path) -> str | None:
    """Compare the files left behind: the site's ``files`` folder is our ``public``, its working folder our root."""
    after = vector.get("extra", {}).get("files_after")
    if not after:
        return None
    places = {"files/": "public/", "cwd/": ""}
    for name, content in after.items():
        prefix = next(prefix for prefix in places if name.startswith(prefix))
        path = sandbox / (places[prefix] + name.removeprefix(prefix))
        if not path.is_file() or path.read_text() != content:
            return f"file {name} is missing or differs"
    return None


@pytest.fixture(scope="session")
def http_stub() -> Any:
    """Start the vectors' own HTTP server on a free port; give its base URL."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(GOLDEN / "http_stub.py"), str(port)])
    base = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{base}/text", timeout=1).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    yield base
    server.terminate()
    server.wait(5)


def _places(base: str) -> dict[str, str]:
    return {"HTTP": base, "HTTP_HOST": base.removeprefix("http://")}


def _reason(vector: dict[str, Any]) -> str | None:
    reason = DEVIATIONS.get(vector["processor"], {}).get(vector["case"])
    return str(reason) if reason is not None else None


@needs_golden
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['processor']}-{vector['case']}")
def test_vector(vector: dict[str, Any], http_stub: str, tmp_path: Path) -> None:
    found = mismatch(vector, _places(http_stub), tmp_path)
    reason = _reason(vector)
    if reason is None:
        assert found is None, found
    else:
        assert found is not None, f"listed as a deviation ({reason}), but it matches: remove it from the list"


@needs_golden
def test_tally(http_stub: str, tmp_path: Path) -> None:
    """At least 97 % of all vectors are equal, and every listed deviation names a vector that exists."""
    totals = collections.Counter(vector["processor"] for vector in VECTORS)
    deviating = {name: set(cases) for name, cases in DEVIATIONS.items()}
    known = {(vector["processor"], vector["case"]) for vector in VECTORS}
    assert {(name, case) for name, cases in deviating.items() for case in cases} <= known
    for name in sorted(totals):
        count = len(deviating.get(name, ()))
        print(f"{name:24} equal {totals[name] - count:3}  deviating {count:2}  total {totals[name]:3}")
    missed, total = sum(map(len, deviating.values())), sum(totals.values())
    print(f"{'all':24} equal {total - missed:3}  deviating {missed:2}  total {total:3}  {(total - missed) / total:.1%}")
    assert (total - missed) / total >= 0.97


@pytest.mark.rule("ERR-6")
def test_a_match_that_cuts_a_character_fails_the_node_in_a_run() -> None:
    with pytest.raises(NodeError) as caught:
        process_node("regex_extractor", {"pattern": "^."}, {"text": "éa"})
    assert (caught.value.code, caught.value.details["path"]) == ("output_not_serializable", "matches.0")


@pytest.mark.rule("ERR-6")
@pytest.mark.parametrize("values", [[10, 0], [1.0, 0.0]])
def test_a_result_that_json_cannot_carry_fails_the_node_in_a_run(values: list[float]) -> None:
    with pytest.raises(NodeError) as caught:
        process_node("calculator", {"operation": "divide"}, {"values": values})
    assert caught.value.code == "output_not_serializable"
