"""How a node is written: one function and one declaration.

::

    @processor(
        "shout",
        label="Shout",
        category="text",
        description="Upper-cases a text.",
        parameters=[param("text", "string", connectable=True, required=True)],
        outputs=[output("text", "string")],
    )
    def shout(params: Params, context: NodeContext) -> Outputs:
        return {"text": params["text"].upper()}

A processor gets its resolved parameters (every declared one is present, ``None`` when unresolved, CFG-14; plus the
dynamic inputs, DYN-4) and returns its output ports. It raises :class:`~flowdrop_provider.errors.NodeError` for anything
the author may want to route, :class:`StopRun` to end the run as completed (ERR-5), :class:`Interrupt` to wait for a
person, a time or a callback (ERR-4). Other packages contribute processors through the entry point group
``flowdrop.processors`` (see :mod:`flowdrop_provider.nodes.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flowdrop_provider.document.node_types import NodeType, Output, Parameter
from flowdrop_provider.nodes.iteration import Iteration
from flowdrop_provider.nodes.world import World

__all__ = [
    "Interrupt",
    "NodeContext",
    "Outputs",
    "Params",
    "Processor",
    "ProcessorFunction",
    "StopRun",
    "output",
    "param",
    "processor",
]

Params: TypeAlias = Mapping[str, Any]
Outputs: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What a processor may know besides its parameters.

    :ivar inputs: the values delivered to the node's input ports, by port, before parameter resolution. Only first-generation
        nodes that read undeclared ports (``text_output``, ``prompt_template``) look here; CFG-13 keeps them out of ``params``.
    :ivar config: the author's saved configuration.
    :ivar initial_data: the run's initial data, flat as it came (OCX-1); ``{}`` when the run was started without any.
    :ivar execution_id: names this execution of this node, the same when it is resumed; ``""`` where nobody needs to know.
    :ivar iteration: the position of a ``foreach``, kept by the engine between rounds; ``None`` elsewhere.
    :ivar resume: the answer to the interrupt this node raised earlier, or ``None`` on a first execution (INT-4).
    :ivar usage: what this execution cost besides time, by kind; see :meth:`report`.
    """

    node_id: str
    node_type_id: str = ""
    label: str = ""
    workflow_id: str = ""
    run_id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    initial_data: Mapping[str, Any] = field(default_factory=dict)
    world: World = field(default_factory=World)
    resume: Mapping[str, Any] | None = None
    iteration: Iteration | None = None
    execution_id: str = ""
    usage: dict[str, dict[str, Any]] = field(default_factory=dict)

    def report(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Add what a part of this execution cost: numbers are summed, a price that nobody knows stays ``None``.

        :param kind: ``ai_usage`` for what models took.
        """
        known = self.usage.setdefault(kind, {})
        for name, value in facts.items():
            before = known.get(name)
            known[name] = value if before is None else before if value is None else before + value
        self.world.report(self.node_id, kind, facts)


ProcessorFunction: TypeAlias = Callable[[Params, NodeContext], Outputs]


class StopRun(Exception):  # noqa: N818 - control flow, not an error
    """End the whole run as completed; all work not started is abandoned (ERR-5).

    :param outputs: the outputs recorded for the stopping node.
    """

    def __init__(self, outputs: Outputs) -> None:
        super().__init__("the workflow was stopped by a node")
        self.outputs = outputs


class Interrupt(Exception):  # noqa: N818 - control flow, not an error
    """Wait: for a person's answer, a moment, or a callback (ERR-4, INT-1). Never an error output.

    :param kind: ``confirmation``, ``choice``, ``text``, ``form``, ``timer`` or ``call``.
    :param message: the question, plain text or Markdown.
    :param schema: JSON Schema of the answer, ``{}`` for none.
    :param options: choices as ``{"value", "label", "description"?}``.
    :param wait_until: ISO 8601 moment a timer ends at, or ``None``.
    :param expires_in: seconds until the question expires, ``None`` for never (INT-23).
    :param context: facts shown with the question (JSON object).
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        schema: Mapping[str, Any] | None = None,
        options: Sequence[Mapping[str, Any]] = (),
        default: Any = None,
        wait_until: str | None = None,
        expires_in: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.schema = dict(schema or {})
        self.options = [dict(option) for option in options]
        self.default = default
        self.wait_until = wait_until
        self.expires_in = expires_in
        self.context = dict(context or {})


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor: its declaration as a node type, and the function behind it.

    :ivar aliases: further ids it answers to (first-generation spellings).
    :ivar runs: where its work happens, for people and for placement: ``python`` (pure), ``network``, ``files``,
        ``store``, ``person``, ``time``, ``workflow``, ``model``, ``drupal``, ``none`` (documentation only).
    :ivar pure: same parameters, same outputs, no effect outside; such a node may be fused and mapped.
    """

    id: str
    function: ProcessorFunction
    node_type: NodeType
    aliases: tuple[str, ...] = ()
    runs: str = "python"
    pure: bool = True


def param(
    name: str,
    type_: str | Sequence[str] | None = None,
    *,
    configurable: bool = False,
    connectable: bool = False,
    required: bool = False,
    default: Any = None,
    exposed: bool = True,
    enum: Sequence[Any] | None = None,
    title: str = "",
    description: str = "",
    **schema: Any,
) -> Parameter:
    """Declare a parameter; ``type_`` and the rest become its JSON Schema, ``default`` the schema's default.

    A parameter without a type takes any JSON value (CFG-11: the type check is exact and never coerces, so a parameter that
    must coerce like PHP declares no type).
    """
    fragment: dict[str, Any] = {} if type_ is None else {"type": type_ if isinstance(type_, str) else list(type_)}
    extra = {"default": default, "enum": list(enum) if enum else None, "title": title, "description": description}
    fragment.update({key: value for key, value in extra.items() if value not in (None, "")} | schema)
    if default == "":
        fragment["default"] = ""
    return Parameter(
        name=name,
        schema_=fragment,
        configurable=configurable,
        connectable=connectable,
        required=required,
        exposed_by_default=exposed,
    )


def output(
    name: str,
    type_: str | Sequence[str] | None = None,
    *,
    exposed: bool = True,
    description: str = "",
    always_hidden: bool = False,
) -> Output:
    """Declare an output port; ``exposed=False`` hides it until an author shows it, ``always_hidden`` strips it always."""
    fragment: dict[str, Any] = {} if type_ is None else {"type": type_ if isinstance(type_, str) else list(type_)}
    if description:
        fragment["description"] = description
    return Output(name=name, schema_=fragment, exposed=not always_hidden, exposed_by_default=exposed)


def processor(
    id_: str,
    *,
    label: str,
    category: str,
    description: str,
    parameters: Sequence[Parameter] = (),
    outputs: Sequence[Output] = (),
    type_id: str | None = None,
    module: str = "flowdrop_node_processor",
    aliases: Sequence[str] = (),
    runs: str = "python",
    pure: bool | None = None,
    **node_type: Any,
) -> Callable[[ProcessorFunction], Processor]:
    """Declare the decorated function as the processor ``id_`` and as the shipped node type of the same name.

    :param type_id: the node type's id where it differs from the processor's.
    :param pure: defaults to whether ``runs`` is ``python``.
    :param node_type: further :class:`~flowdrop_provider.document.node_types.NodeType` fields (``start``, ``terminal``,
        ``executable``, ``side_effects``, ``visual_type``, ``confirmation``, ``consumes_tools`` ...).

    Authors may waive or require the confirmation of a node with side effects, as on the sites that were measured, unless
    ``confirmation`` says otherwise; a site's own node type decides anew.
    """
    if node_type.get("side_effects"):
        node_type["confirmation"] = {"author_controls": ["waive", "require"], **node_type.get("confirmation", {})}

    def declare(function: ProcessorFunction) -> Processor:
        declared = NodeType(
            id=type_id or id_,
            label=label,
            category=category,
            description=description,
            parameters={parameter.name: parameter for parameter in parameters},
            outputs={port.name: port for port in outputs},
            processor=id_,
            executor_plugin=f"{module}:{id_}",
            **node_type,
        )
        return Processor(
            id=id_,
            function=function,
            node_type=declared,
            aliases=tuple(aliases),
            runs=runs,
            pure=(runs == "python") if pure is None else pure,
        )

    return declare
