"""How far a run, or a part of one, has come: plain data, so that it can stop in one process and go on in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowdrop_provider.engine.loops import LoopState
from flowdrop_provider.engine.routing import Outcome
from flowdrop_provider.engine.state import initial_state
from flowdrop_provider.nodes.api import Interrupt

__all__ = ["Progress", "Waiting"]


@dataclass(slots=True)
class Waiting:
    """The question a run waits with (INT-1).

    :ivar number: how often the node ran before: tells one question of a loop from the next.
    """

    node_id: str
    kind: str
    message: str
    number: int
    asked_at: str
    schema: dict[str, Any] = field(default_factory=dict)
    options: list[dict[str, Any]] = field(default_factory=list)
    default: Any = None
    wait_until: str | None = None
    expires_in: float | None = None
    context: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, node_id: str, interrupt: Interrupt, *, number: int, asked_at: str) -> Waiting:
        """Return the question of a node's interrupt."""
        return cls(
            node_id=node_id,
            kind=interrupt.kind,
            message=interrupt.message,
            number=number,
            asked_at=asked_at,
            schema=interrupt.schema,
            options=interrupt.options,
            default=interrupt.default,
            wait_until=interrupt.wait_until,
            expires_in=interrupt.expires_in,
            context=interrupt.context,
        )

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Waiting:
        """Return the question that :meth:`to_data` described; what a later release adds is passed over."""
        return cls(**{name: value for name, value in data.items() if name in cls.__dataclass_fields__})

    def to_data(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(slots=True)
class Progress:
    """What is done, and what came of it.

    :ivar done: steps that had their turn, by node or region id.
    :ivar outcomes: latest outcome by node id.
    :ivar loops: where a loop stands, by region id, while it is under way.
    :ivar shared: the run's state (SG-1).
    :ivar tool_results: results of tool calls by call id (RT-TOOL-9).
    :ivar retries: retries spent by node id, over the whole run (ERR-11).
    :ivar ended: why nothing more starts: ``run_failed``, ``run_stopped``, or ``None``.
    """

    done: set[str] = field(default_factory=set)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    loops: dict[str, LoopState] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=initial_state)
    ended: str | None = None
    error: dict[str, Any] | None = None
    waiting: Waiting | None = None
    paused_reason: str | None = None
    tool_results: dict[str, dict[str, Any]] = field(default_factory=dict)
    retries: dict[str, int] = field(default_factory=dict)

    @property
    def paused(self) -> bool:
        """Whether the run waits for an answer or for a new budget."""
        return self.waiting is not None or self.paused_reason is not None

    def to_data(self) -> dict[str, Any]:
        """Return plain data for a checkpoint."""
        return {
            "done": sorted(self.done),
            "outcomes": {node_id: outcome.to_data() for node_id, outcome in self.outcomes.items()},
            "loops": {region_id: state.to_data() for region_id, state in self.loops.items()},
            "shared": self.shared,
            "ended": self.ended,
            "error": self.error,
            "waiting": self.waiting.to_data() if self.waiting else None,
            "paused_reason": self.paused_reason,
            "tool_results": self.tool_results,
            "retries": self.retries,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Progress:
        """Return the progress that :meth:`to_data` described."""
        return cls(
            done=set(data["done"]),
            outcomes={node_id: Outcome.from_data(item) for node_id, item in data["outcomes"].items()},
            loops={region_id: LoopState.from_data(item) for region_id, item in data["loops"].items()},
            shared=dict(data["shared"]),
            ended=data["ended"],
            error=data["error"],
            waiting=Waiting.from_data(data["waiting"]) if data["waiting"] else None,
            paused_reason=data["paused_reason"],
            # Checkpoints of the first releases have neither.
            tool_results=dict(data.get("tool_results", {})),
            retries=dict(data.get("retries", {})),
        )
