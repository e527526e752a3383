"""Workflows of real sites run to their end, what is a site's own replaced by declared doubles and a scripted model."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from devtools.pytest_rules import SHARED
from flowdrop_provider.engine import execution as engine_execution
from flowdrop_provider.engine.launch import launch, launch_schema
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.runner import RunResult, run_plan
from flowdrop_provider.engine.subworkflows import InlineWorkflows
from flowdrop_provider.library import workshop
from flowdrop_provider.nodes import registry
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, Processor, output, param, processor
from flowdrop_provider.nodes.memory_store import InProcessMemory
from flowdrop_provider.nodes.world import HttpReply, HttpRequest, World

pydantic_ai = pytest.importorskip("pydantic_ai", reason="needs the extra 'ai'")
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart  # noqa: E402
from pydantic_ai.models.function import FunctionModel  # noqa: E402

#: How each workflow ends, and in how many rounds of its loop (0: it has none). The agent engine gets its tools from its caller.
#: site-a's image and pages agents are not here: their templates call Twig functions of the site's own.
ENDS = {
    "site-a/aincient_agent_engine": ("completed", 1),
    "site-a/aincient_audit_agent": ("completed", 2),
    "site-a/aincient_brand_specialist_colour": ("completed", 0),
    "site-a/aincient_brand_specialist_shape": ("completed", 0),
    "site-a/aincient_brand_specialist_typography": ("completed", 0),
    "site-a/aincient_chrome_agent": ("completed", 2),
    "site-a/aincient_onboarding": ("completed", 0),
    "site-a/aincient_operator_agent_loop": ("completed", 2),
    "site-a/aincient_policy_links": ("completed", 0),
    "site-a/aincient_policy_seo": ("completed", 0),
    "site-a/aincient_weather": ("completed", 0),
    "site-a/brand_studio": ("completed", 2),
    "site-a/reason": ("completed", 0),
    "site-a/workshop_one_ai_call": ("completed", 0),
    "site-b/dri_es_photo_finder": ("completed", 0),
    "site-b/http_get": ("completed", 0),
    "site-b/lets_create_a_reasoner": ("completed", 2),
    "site-b/level_1_3_pick_your_transform": ("completed", 0),
    "site-b/level_1_4_polite_greeter_templating": ("completed", 0),
    "site-b/level_1_5_conditional_reply": ("completed", 0),
    "site-b/level_2_7_style_controlled_ai_reply": ("completed", 0),
    "site-b/url_to_markdown": ("completed", 0),
}


def like(shipped: str, double: str) -> Processor:
    """A double that does what a shipped processor does."""
    found = registry.get_processor(shipped)
    assert found is not None
    defaults = {name: item.effective_default for name, item in found.node_type.parameters.items()}

    def act(params: Params, context: NodeContext) -> Outputs:
        return found.function({**defaults, **params}, context)

    return Processor(double, act, found.node_type.model_copy(update={"id": double, "processor": double}))


_PICTURE = {"id": "1", "title": "A", "date": "2026-01-01", "url": "https://example.org/a.jpg"}
_LISTS = {"albums": [_PICTURE], "images": [_PICTURE], "total": 1}


def telling(name: str) -> Processor:
    """A double that says what it was given, on every port a drawing may wire."""

    @processor(
        name,
        label=name,
        category="test",
        description="A double.",
        parameters=[param("x", connectable=True)],
        outputs=[output("result")],
    )
    def tell(params: Params, context: NodeContext) -> Outputs:
        given = {key: value for key, value in params.items() if isinstance(value, str)}
        ports = ("result", "text", "data", "json", "output", "response", "message", "state", "current_state", "valid", "slice")
        return {**dict.fromkeys(ports, "done"), "given": given, "data": given, **_LISTS}

    return tell


def doubles() -> dict[str, Processor]:
    """The processors of the sites' own modules, by id."""
    names = ("aincient_capability", "brand_validate_slice", "policy_check", "brand_apply_slices", "brand_state")
    told = {
        name: telling(name)
        for name in (*names, "aincient_flows_approval_gate", "mcp_dri_es_find_albums", "mcp_dri_es_find_images")
    }
    shipped = {"aincient_reason": "reason", "aincient_tool_invoke": "tool_invoke", "aincient_simple_chat": "simple_chat"}
    return {**told, **{double: like(original, double) for double, original in shipped.items()}}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Plan]]:
    """The plans of a site's workflows with the doubles installed, by id."""
    mine, real = doubles(), registry.get_processor

    def look_up(name: str) -> Processor | None:
        parts = name.split(":")
        return mine.get(parts[1] if len(parts) > 1 else name) or real(name)

    for module in (engine_execution, workshop):
        monkeypatch.setattr(module, "get_processor", look_up)
    unknown = [item.node_type for name, item in mine.items() if name.startswith(("mcp_", "aincient_flows_"))]
    shipped = workshop.shipped_catalogue
    monkeypatch.setattr(workshop, "shipped_catalogue", lambda: shipped().extended(unknown))

    def plans(name: str) -> dict[str, Plan]:
        verdicts = workshop.examine_path(SHARED / "exports" / name)
        return {item.loaded.workflow.id: item.plan for item in verdicts if item.loaded and item.plan}

    return plans


def scripted(messages: list[Any], info: Any) -> ModelResponse:
    """A model that calls its first tool once, with what that tool requires, and then answers."""
    seen = any(isinstance(part, ToolReturnPart) for message in messages for part in message.parts)
    tools = [*info.function_tools, *getattr(info, "output_tools", [])]
    if seen or not tools:
        return ModelResponse(parts=[TextPart('{"answer": "All done."}')])
    required = tools[0].parameters_json_schema.get("required", [])
    return ModelResponse(parts=[ToolCallPart(tools[0].name, dict.fromkeys(required, "1"), tool_call_id="call-1")])


class Models:
    def chat(self, name: str, role: str) -> Any:
        return FunctionModel(scripted)


class Pages:
    """Answers every request with one page."""

    def send(self, request: HttpRequest) -> HttpReply:
        places = [{"latitude": 1, "longitude": 2, "name": "Here"}]
        body = json.dumps({"results": places, "current": {"temperature_2m": 3}}).encode()
        return HttpReply(200, "OK", (("content-type", "application/json"),), body, request.url)


def world_of(plans: Mapping[str, Plan], name: str) -> World:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    world = World(now=lambda: now, rng=random.Random(1), http=Pages(), session_id="s", user_id="7")
    world.extras.update(models=Models(), memory=InProcessMemory(), workflows=InlineWorkflows(plans.get, world, (name,)))
    return world


#: What a person answers, by the kind of question.
ANSWERS = {"confirmation": True, "text": "text", "form": {}}


def run_to_its_end(plan: Plan, world: World) -> tuple[RunResult, list[Any]]:
    """Run with an input for each declared name, answering every question; give all jobs."""
    inputs = {name: sample(name, schema) for name, schema in launch_schema(plan).items()}
    chats = [node.node_id for node in plan.nodes.values() if node.node_type.processor == "chat_input"]
    start, jobs = launch(plan, inputs=inputs, initial_data={chat: {"message": "Hello"} for chat in chats}), []
    result = run_plan(plan, start, world)
    for _ in range(10):
        jobs += result.jobs
        waiting = result.progress.waiting
        if waiting is None:
            break
        value = ANSWERS.get(waiting.kind, waiting.options[0]["value"] if waiting.options else None)
        result = run_plan(
            plan, start, world, progress=result.progress, answers={waiting.node_id: {"value": value, "user_id": "7"}}
        )
    return result, jobs


def sample(name: str, schema: Mapping[str, Any]) -> Any:
    """A value for a declared input, of the type it asks for."""
    if schema.get("enum"):
        return schema["enum"][0]
    if name in {"messages", "history"}:
        return [{"role": "user", "content": "Hello"}]
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    by_kind = {"object": {"name": "x"}, "json": {}, "array": [], "boolean": True, "integer": 1, "number": 1}
    return by_kind.get(str(kind), "https://example.org/" if "url" in name else "hello")


@pytest.mark.parametrize("name", ENDS)
def test_it_runs_to_its_end(name: str, shared: Path, site: Any) -> None:
    folder, _, workflow_id = name.partition("/")
    plans = site(folder)
    result, jobs = run_to_its_end(plans[workflow_id], world_of(plans, workflow_id))
    rounds = max((job["round"][0] + 1 for job in jobs if job["round"]), default=0)
    assert (result.status, rounds) == ENDS[name], result.error
    assert any(job["status"] == "completed" for job in jobs)
