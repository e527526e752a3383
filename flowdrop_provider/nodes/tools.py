"""Tools for models: a box of them, and the node that runs the calls a model made (RT-TOOL-1..3, RT-TOOL-8..10)."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.nodes._tool_calls import call_once, tools_of
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["tool_invoke", "toolbox"]


@processor(
    "toolbox",
    type_id="flowdrop_node_processor_toolbox",
    label="Tool Box",
    category="tools",
    description="Bundles tools, so that several agents can share them.",
    parameters=[param("tool", connectable=True, title="Tools")],
    outputs=[output("tool")],
    aliases=["toolbox"],
    runs="none",
    forwards_tools=True,
)
def toolbox(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Carry no data: the engine passes the tools wired here on to whoever is wired behind (DATA-10)."""
    return {}


@processor(
    "tool_invoke",
    aliases=("flowdrop_node_processor_tool_invoke",),
    label="Invoke Tool",
    category="tools",
    description="Runs the tool calls that a model chose, each at most once in a run.",
    parameters=[param("tool_calls", connectable=True, default=[], title="Tool calls"), param("tool", connectable=True)],
    outputs=[
        output("tool_messages", "array"),
        output("tool_results", "array"),
        output("ok", "boolean"),
        output("produced_any", "boolean"),
        output("executed_any", "boolean"),
        output("skipped", "array", exposed=False),
        output("executed", "array", exposed=False),
        output("tool_artifacts", "array", exposed=False),
    ],
    runs="workflow",
    consumes_tools=True,
    confirmation={"policy": "skip"},
)
def tool_invoke(params: Params, context: NodeContext) -> Outputs:
    """Run each call and answer it with a ``tool`` message, a failed one and one of an unknown tool included.

    ``ok`` is whether every call succeeded. A repeated id is listed on ``skipped`` and answered with the stored result
    (RT-TOOL-9); ``executed`` lists the others, ``executed_any`` is whether any call was handled anew (RT-TOOL-10).
    """
    given, tools = params["tool_calls"], tools_of(context)
    calls = [call for call in given if _well_formed(call)] if isinstance(given, list) else []
    outcomes = [call_once(tools, call, context) for call in calls]
    messages = [outcome.message() for outcome in outcomes]
    return {
        "tool_messages": messages,
        "tool_results": [outcome.result for outcome in outcomes],
        "ok": all(outcome.result["success"] for outcome in outcomes),
        "produced_any": bool(messages),
        "executed_any": any(not outcome.repeated for outcome in outcomes),
        "skipped": [outcome.identity for outcome in outcomes if outcome.repeated],
        "executed": [outcome.identity for outcome in outcomes if outcome.identity and not outcome.repeated],
        "tool_artifacts": [artifact for outcome in outcomes for artifact in outcome.artifacts()],
    }


def _well_formed(call: Any) -> bool:
    """Return whether a call is a map with a usable name; others are dropped before anything counts them (RT-TOOL-10)."""
    name = call.get("name") if isinstance(call, dict) else None
    return isinstance(name, (str, int, float)) and not isinstance(name, bool) and bool(str(name).strip())
