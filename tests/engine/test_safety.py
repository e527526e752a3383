"""Redaction, bounds and random documents: properties rather than examples."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowdrop_provider.document.normalise import is_workflow, read_workflow
from flowdrop_provider.document.validation import validate
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.launch import launch
from flowdrop_provider.engine.records import bounded
from flowdrop_provider.engine.redaction import MASK, Redactor
from flowdrop_provider.engine.runner import run_plan
from flowdrop_provider.errors import FlowDropError
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.world import World
from tests.engine.running import plan_of
from tests.flows import chain, flow, node

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=20
)
SECRETS = st.text('abcXYZ0123456789"\\/ é', min_size=6, max_size=20).filter(
    lambda text: text.strip() == text and text not in MASK
)


def planted(value: Any, secret: str) -> Any:
    """Put the secret beside every text, as a key and as a value."""
    if isinstance(value, str):
        return f"{value}{secret}!"
    if isinstance(value, list):
        return [*(planted(item, secret) for item in value), secret]
    if isinstance(value, dict):
        return {f"k{key}{secret}": planted(item, secret) for key, item in value.items()} | {
            "v": secret,
            "j": json.dumps([secret]),
        }
    return value


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*map(str, value), *(text for item in value.values() for text in texts(item))]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else [str(value)]


@QUIET
@given(JSON, SECRETS)
def test_no_registered_secret_survives(value: Any, secret: str) -> None:
    redactor = Redactor([secret])
    shown, paths = redactor.redact(planted([value], secret))
    assert not any(secret in text for text in texts(shown))
    assert paths
    assert redactor.touches(secret)


def test_what_one_node_resolved_no_later_record_shows() -> None:
    secret = 'hunter22"/x'
    nodes = [
        node("prompt_template.1", template="Key ${{ secrets.KEY }}"),
        node("text_processor.1", operation="trim"),
        node("text_output.1"),
    ]
    edges = ["prompt_template.1:prompt > text_processor.1:text", "text_processor.1:text > text_output.1:text"]
    plan = plan_of(flow("f", nodes, edges))
    result = run_plan(plan, launch(plan), World(secret=lambda _: secret))

    assert [job["status"] for job in result.jobs] == ["completed"] * 3
    assert not [text for job in result.jobs for text in texts(job) if "hunter22" in text]
    assert all(job["redacted"] for job in result.jobs)
    assert result.outputs["text_output.1"]["output"] == f"Key {secret}", "the value itself is handed on"


def test_deep_values_and_hostile_texts_are_looked_through_in_time() -> None:
    deep: Any = "hunter22"
    for _ in range(5_000):
        deep = {"a": deep}
    begin = time.process_time()
    shown, _ = Redactor(["hunter22"]).redact(deep)
    assert "hunter22" not in json.dumps(shown)
    for text in ("://" + "a.a." * 200_000, "basic " * 100_000, "a://b:" * 100_000, "?key=" * 100_000):
        Redactor().redact(text)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "text",
    [
        "https://me:hunter22@host/x",
        "/x?token=hunter22&y=1",
        "Authorization: BEARER hunter22secret",
        ' {"password": "hunter22"}',
    ],
)
def test_secrets_nobody_registered(text: str) -> None:
    assert "hunter22" not in Redactor().redact(text)[0]


@QUIET
@given(JSON, st.integers(16, 400))
def test_a_record_keeps_its_bound_and_says_what_it_cut(value: Any, limit: int) -> None:
    shown, cut = bounded(value, limit)
    assert len(json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= limit
    assert bool(cut) == (shown != value)


@QUIET
@given(st.dictionaries(st.sampled_from(["id", "name", "nodes", "edges", "metadata", "input_ports", "status"]), JSON))
def test_random_documents_raise_nothing_of_their_own(document: dict[str, Any]) -> None:
    if not is_workflow(document):
        return
    try:
        workflow = read_workflow(document)
        validate(workflow, shipped_catalogue())
        compile_workflow(workflow, shipped_catalogue())
    except FlowDropError:
        return


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 8))
    kinds = st.sampled_from(["text_input", "text_processor", "if_else", "text_output", "note"])
    nodes = [node(f"n.{number}", draw(kinds)) for number in range(count)]
    ports = st.tuples(
        st.sampled_from(["text", "True", "False", "error", "trigger"]), st.sampled_from(["text", "data", "trigger"])
    )
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    drawn = draw(st.lists(st.tuples(st.sampled_from(pairs), ports), max_size=12)) if pairs else []
    return flow("f", nodes, sorted({f"n.{a}:{out} > n.{b}:{into}" for (a, b), (out, into) in drawn}))


@QUIET
@given(acyclic(), st.randoms())
def test_every_node_of_the_plan_ends_once(document: dict[str, Any], random: Any) -> None:
    plan = compile_workflow(read_workflow(document), shipped_catalogue())
    result = run_plan(plan, launch(plan), World())
    executed = [job["node_id"] for job in result.jobs if job["status"] != "skipped"]
    assert sorted([*executed, *result.skipped_node_ids]) == sorted(plan.nodes)
    assert result.status in {"completed", "completed_with_warnings", "failed"}
    random.shuffle(document["nodes"])
    again = compile_workflow(read_workflow(document), shipped_catalogue())
    assert again.revision == plan.revision
    assert run_plan(again, launch(again), World()).outputs == result.outputs


def best(action: Any, rounds: int = 5) -> float:
    def once() -> float:
        begin = time.perf_counter()
        action()
        return time.perf_counter() - begin

    return min(once() for _ in range(rounds))


def test_the_engine_is_fast_and_linear() -> None:
    """Generous bounds for a busy machine; the figures are printed (pytest -s) and the benchmarks judge them."""
    plans = {length: compile_workflow(read_workflow(chain("f", length)), shipped_catalogue()) for length in (10, 250, 500)}
    times = {length: best(lambda plan=plan: run_plan(plan, launch(plan), World())) for length, plan in plans.items()}
    print(f"engine: {', '.join(f'{seconds / length * 1e6:.0f} us a node of {length}' for length, seconds in times.items())}")
    assert times[10] / 10 < 1e-3
    assert times[500] / times[250] < 3.5


def test_a_document_at_the_limits_is_checked_in_time() -> None:
    document = chain("f", 500)
    extra = [{**item, "id": f"{item['id']}+", "targetHandle": f"{item['target']}-input-trigger"} for item in document["edges"]]
    workflow = read_workflow({**document, "edges": [*document["edges"], *extra]})
    seconds = best(lambda: (validate(workflow, shipped_catalogue()), compile_workflow(workflow, shipped_catalogue())), 3)
    print(f"500 nodes, {len(workflow.edges)} edges: {seconds * 1e3:.0f} ms")
    assert seconds < 1
