"""The prompt template: Twig, and the plain placeholders of first-generation documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.errors import ExpressionError, NodeError
from flowdrop_provider.expressions import twig
from flowdrop_provider.nodes._evaluation import dynamic_values
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["prompt_template"]

_BARE_PLACEHOLDER = re.compile(r"\{\{[\w.-]+\}\}")
_TWIG = ("{{", "{%", "{#")
_RESERVED_PORTS = frozenset({"trigger", "loop_back", "tool", "error", "input"})
_MAX_PROMPT = 2_000_000


@processor(
    "prompt_template",
    label="Prompt Template",
    category="prompts",
    description="Builds a prompt from a Twig template and variables.",
    parameters=[
        param("template", "string", configurable=True, default="", title="Template", format="multiline"),
        param("variables", connectable=True, default={}),
        param("dynamicInputs", configurable=True, default=[], title="Variables"),
    ],
    outputs=[output("prompt", "string"), output("template", "string"), output("variables")],
    supported_visual_types=("default", "simple"),
)
def prompt_template(params: Params, context: NodeContext) -> Outputs:
    """Return the prompt, the template and the variables.

    Twig renders it (LANG-7): the variables are the keys of ``variables``, the dynamic inputs, and ``variables`` itself.
    Two things mark a first-generation document, whose plain substitution is kept as measured: a saved ``variables``
    configuration, or a template without any Twig beyond ``{{key}}`` in a node that is fed over ports it never declared.

    :raises NodeError: ``template_invalid`` when the template does not compile, ``template_failed`` when it does not
        render, both with the cause (LANG-26); ``wrong_type`` for a template or a first-generation value that is no text.
    """
    template = "" if params["template"] is None else params["template"]
    if not isinstance(template, str):
        raise NodeError("The template must be a text.", code="wrong_type")
    undeclared = _undeclared_inputs(params, context)
    if "variables" in context.config or (undeclared and not _has_twig(template)):
        saved = context.config.get("variables")
        return _substituted(template, {} if saved is None else saved, context.inputs)
    if "{{variables}}" in template and isinstance(params["variables"], Mapping | list):
        raise NodeError("The variables as a whole are no text.", code="wrong_type", hint="Name one of them in the template.")
    variables = _variables(params)
    return {"prompt": _rendered(template, variables, context), "template": template, "variables": params["variables"]}


def _undeclared_inputs(params: Params, context: NodeContext) -> bool:
    declared = {"variables", "template", *dynamic_values(params)} | _RESERVED_PORTS
    return any(name not in declared for name in context.inputs)


def _has_twig(template: str) -> bool:
    rest = _BARE_PLACEHOLDER.sub("", template)
    return any(mark in rest for mark in _TWIG)


def _variables(params: Params) -> dict[str, Any]:
    wired = params["variables"]
    keys = dict(wired) if isinstance(wired, Mapping) else {}
    return {"variables": wired, **keys, **dynamic_values(params)}


def _rendered(template: str, variables: dict[str, Any], context: NodeContext) -> str:
    try:
        twig.validate(template)
    except ExpressionError as error:
        raise _failed("does not compile", "template_invalid", error) from error
    try:
        return twig.render(template, variables, now=context.world.now())
    except ExpressionError as error:
        raise _failed("does not render", "template_failed", error) from error


def _failed(what: str, code: str, error: ExpressionError) -> NodeError:
    return NodeError(
        f"The template {what}: {error.message}", code=code, hint=error.hint, details={"engine": "twig", "reason": error.code}
    )


def _substituted(template: str, saved: Any, inputs: Mapping[str, Any]) -> Outputs:
    """Replace ``{{key}}`` by the saved values, then by the inputs, one after the other; unknown ones stay (measured)."""
    if not isinstance(saved, Mapping | list):
        raise NodeError("The saved variables must be a map.", code="wrong_type")
    pairs = list(saved.items() if isinstance(saved, Mapping) else enumerate(saved))
    prompt = template
    for key, value in [*pairs, *((key, value) for key, value in inputs.items() if key not in _RESERVED_PORTS)]:
        if not isinstance(value, str):
            raise NodeError(f"The variable {key!r} must be a text.", code="wrong_type", hint="Turn it into text first.")
        placeholder = f"{{{{{key}}}}}"
        if len(prompt) + prompt.count(placeholder) * len(value) > _MAX_PROMPT:
            raise NodeError(f"The prompt grows beyond {_MAX_PROMPT:,} characters.", code="limit_exceeded")
        prompt = prompt.replace(placeholder, value)
    return {"prompt": prompt, "template": template, "variables": saved}
