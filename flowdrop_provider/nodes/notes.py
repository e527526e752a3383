"""Documentation on the canvas: notes and ideas."""

from __future__ import annotations

from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["idea", "note"]

_IDEA_DEFAULTS = {
    "instanceTitle": "New Idea",
    "instanceDescription": "Describe your idea here...",
    "color": "#6366f1",
    "icon": "mdi:lightbulb-outline",
    "enableLeftPort": True,
    "enableRightPort": True,
    "enableTopPort": False,
    "enableBottomPort": False,
}


@processor(
    "note",
    label="Note",
    category="utility",
    description="A comment on the canvas; it never runs.",
    parameters=[
        param("content", configurable=True, default="", format="multiline"),
        param("noteType", configurable=True, default="info"),
    ],
    outputs=[output(name, "string") for name in ("content", "noteType", "message")],
    aliases=["notes"],
    runs="none",
    executable=False,
    visual_type="note",
    supported_visual_types=("note",),
)
def note(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the note itself (measured); the engine leaves notes out of a plan."""
    return {
        "content": "" if params["content"] is None else params["content"],
        "noteType": "info" if params["noteType"] is None else params["noteType"],
        "message": "Note content available for reference",
    }


@processor(
    "idea",
    label="Idea",
    category="helpers",
    description="A placeholder for a step that is not built yet; it does nothing and may sit on a trigger path.",
    parameters=[param(name, configurable=True, default=value) for name, value in _IDEA_DEFAULTS.items()],
    outputs=[output(name, always_hidden=True) for name in (*_IDEA_DEFAULTS, "message")],
    runs="none",
    visual_type="idea",
    supported_visual_types=("idea",),
)
def idea(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the idea's own settings and a message."""
    return {**{name: params[name] for name in _IDEA_DEFAULTS}, "message": "Idea available for reference"}
