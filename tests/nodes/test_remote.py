"""Nodes that run in Drupal: the contract against the shared vectors, and runs against the stand-in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.stub_drupal import StubDrupal
from flowdrop_provider.document.node_types import NodeType, Output, Parameter
from flowdrop_provider.drupal.access import Credentials
from flowdrop_provider.drupal.backoff import Backoff
from flowdrop_provider.drupal.remote import DrupalNodes
from flowdrop_provider.drupal.site import Site
from flowdrop_provider.engine.execution import Execution, NodeToRun, execute
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import Interrupt, NodeContext
from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient
from flowdrop_provider.nodes.registry import shipped_catalogue
from flowdrop_provider.nodes.remote import node_request, outcome_of
from flowdrop_provider.nodes.world import World
from tests.engine.running import last, plan_of, still_world, through_text
from tests.engine.running import run as run_workflow
from tests.flows import flow, node

CONTRACT = Path(__file__).parents[2] / "drupal" / "flowdrop_airflow" / "tests" / "contract"
VECTORS = json.loads((CONTRACT / "execute-node.json").read_text(encoding="utf-8"))
NOW = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.timezone.utc)
SHOUT = NodeType(
    id="shout",
    executor_plugin="my_module:shout",
    processor="shout",
    available=False,
    parameters={"text": Parameter(name="text", configurable=True, connectable=True)},
    outputs={"text": Output(name="text")},
)


def context(**values: Any) -> NodeContext:
    known = {"node_id": "shout.1", "workflow_id": "greeting", "run_id": "manual__1", "execution_id": "d\nr\n-1\n1\nshout.1\n0"}
    return NodeContext(**{**known, "inputs": {"text": "hello"}, **values})


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["name"])
def test_requests_have_the_members_of_the_contract(vector: dict[str, Any]) -> None:
    given = vector["request"]
    node_type = SHOUT.model_copy(update={"executor_plugin": given["processor"]})
    made = node_request(
        node_type,
        given["parameters"],
        context(node_id=given["node_id"], inputs=given["inputs"], resume=given["resume"]),
    )
    key = made.pop("idempotency_key")
    assert 8 <= len(key) <= 200
    assert {name: made[name] for name in given if name != "idempotency_key"} == {
        name: value for name, value in given.items() if name != "idempotency_key"
    }


@pytest.mark.parametrize("vector", VECTORS["replies"], ids=lambda vector: vector["name"])
def test_replies_mean_what_the_contract_says(vector: dict[str, Any]) -> None:
    wanted = vector["outcome"]
    if "outputs" in wanted:
        assert outcome_of(vector["reply"], NOW) == wanted["outputs"]
    elif "code" in wanted:
        with pytest.raises(NodeError) as caught:
            outcome_of(vector["reply"], NOW)
        found = {"code": caught.value.code, "message": caught.value.message, "retryable": caught.value.retryable}
        assert found == wanted
    else:
        with pytest.raises(Interrupt) as asked:
            outcome_of(vector["reply"], NOW)
        if "wait" in wanted:
            assert asked.value.wait_until == (NOW + dt.timedelta(seconds=wanted["wait"])).isoformat()
        else:
            assert asked.value.kind == wanted["question"]


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"status": "ok"},
        {"status": "success", "output": "text"},
        {"status": "success", "output": [1]},
        {"status": "interrupt"},
        {"status": "interrupt", "interrupt": {"kind": "timer"}},
    ],
)
def test_a_reply_that_breaks_the_contract_fails_the_node(reply: dict[str, Any]) -> None:
    with pytest.raises(NodeError) as caught:
        outcome_of(reply, NOW)
    assert caught.value.code == "remote_reply"


def test_phps_empty_array_is_no_outputs() -> None:
    assert outcome_of({"status": "success", "output": []}, NOW) == {}


def test_the_key_names_the_execution() -> None:
    def key(execution_id: str) -> str:
        return str(node_request(SHOUT, {}, context(execution_id=execution_id))["idempotency_key"])

    assert key("a") == key("a") != key("b")
    assert key("") != key("")


@pytest.fixture
def stub() -> Iterator[StubDrupal]:
    with StubDrupal().running() as site:
        yield site


def run(stub: StubDrupal, secret: str = "", **values: Any) -> Execution:
    http = PinnedHttpClient(HttpPolicy(allow_networks=("127.0.0.0/8",)))
    known = Credentials(signing_secret=secret or stub.secret)
    site = Site(http, stub.url, known, backoff=Backoff(sleep=lambda _: None))
    world = World(extras={"remote": DrupalNodes(lambda: site, timeout=5)})
    return execute(NodeToRun("shout.1", "Shout", SHOUT, {}, routes_errors=True), context(world=world, **values))


def test_an_unknown_processor_runs_in_drupal(stub: StubDrupal) -> None:
    stub.processors["my_module:shout"] = lambda request: {"text": request["parameters"]["text"].upper()}
    execution = run(stub)
    assert (execution.status, execution.outputs) == ("completed", {"text": "HELLO"})
    assert stub.requests[0].path == "/api/flowdrop-airflow/execute-node"


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(stub: StubDrupal) -> None:
    calls = []

    def shout(request: dict[str, Any]) -> dict[str, Any]:
        calls.append(request["idempotency_key"])
        stub.busy = 1
        return {"text": "once"}

    stub.processors["my_module:shout"] = shout
    assert run(stub).outputs == {"text": "once"}
    assert run(stub).outputs == {"text": "once"}
    assert len(calls) == 1
    assert run(stub, execution_id="another").outputs == {"text": "once"}
    assert len(calls) == 2


def test_an_error_there_may_be_routed_here(stub: StubDrupal) -> None:
    error = {"code": "no_mail", "message": "The mail server is away.", "retryable": True}
    stub.processors["my_module:shout"] = lambda request: {"status": "error", "error": error}
    execution = run(stub)
    assert execution.routed
    assert execution.outputs == {"error": {**error, "node_id": "shout.1"}}


def test_a_processor_nobody_has_is_said_so(stub: StubDrupal) -> None:
    assert run(stub).outputs["error"]["code"] == "processor_missing"


def test_a_wrong_secret_runs_nothing(stub: StubDrupal) -> None:
    execution = run(stub, secret="f" * 32)
    assert execution.outputs["error"]["code"] == "drupal_refused"
    assert execution.attempts[0]["error"]["retryable"] is False


def test_without_a_site_it_is_still_an_error() -> None:
    execution = execute(NodeToRun("shout.1", "Shout", SHOUT, {}), context())
    assert execution.error is not None
    assert execution.error["code"] == "processor_missing"


class Elsewhere:
    """Answers what it is told to, one after the other."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []

    def execute(self, request: Any, key: str) -> dict[str, Any]:
        self.asked.append(json.loads(json.dumps(request)))
        return self.replies.pop(0)


def drawn() -> Plan:
    nodes = [node("text_input.1", defaultValue="hello"), node("shout.1"), node("text_output.1")]
    edges = ["text_input.1:text > shout.1:text", "shout.1:text > text_output.1:text"]
    return plan_of(flow("greeting", nodes, edges), shipped_catalogue().extended([SHOUT]))


def test_a_node_that_is_still_at_work_is_asked_for_again_under_the_same_key() -> None:
    remote = Elsewhere({"status": "running", "retry_after": 5}, {"status": "success", "output": {"text": "HELLO"}})
    world = still_world()
    world.extras["remote"] = remote
    first = run_workflow(drawn(), world=world)
    assert first.progress.waiting is not None
    assert first.progress.waiting.kind == "timer"
    again = {"shout.1": {"value": None, "timed_out": True, "asked_at": "", "answered_at": ""}}
    second = run_workflow(drawn(), world=world, progress=through_text(first.progress), answers=again)
    assert (second.status, last(second, "text_output.1")["output_data"]["output"]) == ("completed", "HELLO")
    keys = {request["idempotency_key"] for request in remote.asked}
    assert (len(remote.asked), len(keys), remote.asked[1]["resume"]) == (2, 1, None)


def test_a_question_of_a_node_there_is_asked_here_and_answered_there() -> None:
    question = {"kind": "confirmation", "message": "Really?"}
    remote = Elsewhere({"status": "interrupt", "interrupt": question}, {"status": "success", "output": {"text": "yes"}})
    world = still_world()
    world.extras["remote"] = remote
    first = run_workflow(drawn(), world=world)
    assert first.progress.waiting is not None
    assert first.progress.waiting.message == "Really?"
    answer = {"shout.1": {"value": True, "timed_out": False, "asked_at": "", "answered_at": ""}}
    second = run_workflow(drawn(), world=world, progress=through_text(first.progress), answers=answer)
    assert second.status == "completed"
    assert remote.asked[1]["resume"]["value"] is True
    assert remote.asked[0]["idempotency_key"] == remote.asked[1]["idempotency_key"]
