"""Code of the deployment that is called before and after each node: installed packages (``flowdrop.hooks``) and settings.

A hook is any object with ``pre_node(job)``, ``post_node(job)``, or both; ``job`` is the job record, as people see it. A hook
that raises is logged and never breaks a run, unless it has a true attribute ``blocking``: then it fails the node with
``hook_refused``, which an error edge may take. Nodes that do not run have no hooks, and tools run inside of their node's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from flowdrop_provider.engine.execution import Execution, NodeToRun, error_envelope, failed
from flowdrop_provider.engine.records import JobRecord
from flowdrop_provider.nodes.world import utc_now

__all__ = ["ENTRY_POINT_GROUP", "Hooks", "installed_hooks"]

log = logging.getLogger("flowdrop.hooks")

ENTRY_POINT_GROUP = "flowdrop.hooks"

#: The error of a node that a blocking hook refused.
REFUSED = "hook_refused"


class Hooks:
    """The hooks of a run, in the order they are called."""

    def __init__(self, hooks: Iterable[Any] = ()) -> None:
        self._hooks = tuple(hooks)

    def around(
        self, node: NodeToRun, run: Callable[[], Execution], record: Callable[[Execution], JobRecord], inputs: dict[str, Any]
    ) -> Execution:
        """Return the execution of a node, with hooks called before it and the blocking ones after it.

        :param run: executes the node.
        :param record: makes the job record of an execution.
        :param inputs: values by port, for the record of a node that is about to run.
        """
        if not self._hooks:
            return run()
        refusal = self._refusal("pre_node", self._hooks, record(Execution("running", params=inputs, started=utc_now())))
        if refusal is not None:
            return failed(node, _refused(node, refusal), utc_now())
        execution = run()
        blocking = [hook for hook in self._hooks if _blocks(hook)]
        if blocking and execution.status != "interrupted":
            refusal = self._refusal("post_node", blocking, record(execution))
        if refusal is None:
            return execution
        spoiled = failed(node, _refused(node, refusal), utc_now())
        spoiled.started, spoiled.params, spoiled.secrets = execution.started, execution.params, execution.secrets
        return spoiled

    def done(self, job: JobRecord) -> None:
        """Tell the hooks that do not block of a job that has ended."""
        if job["status"] != "interrupted":
            self._refusal("post_node", [hook for hook in self._hooks if not _blocks(hook)], job)

    def _refusal(self, name: str, hooks: Iterable[Any], job: JobRecord) -> str | None:
        """Call one method of each hook; return why the first blocking one refuses."""
        for hook in hooks:
            call = getattr(hook, name, None)
            if call is None:
                continue
            try:
                call(job)
            except Exception as error:
                log.warning("The hook %r failed in %s of node %r.", hook, name, job["node_id"], exc_info=True)
                if _blocks(hook):
                    return f"{type(error).__name__}: {error}"
        return None


def _blocks(hook: Any) -> bool:
    return bool(getattr(hook, "blocking", False))


def _refused(node: NodeToRun, reason: str) -> dict[str, Any]:
    return error_envelope(node.node_id, code=REFUSED, message=f"A hook refused the node: {reason}")


@cache
def installed_hooks(names: tuple[str, ...] = ()) -> Hooks:
    """Return the hooks of installed packages, by name, and behind them those of the deployment's settings.

    :param names: ``module:attribute`` each; a class is instantiated. What cannot be loaded is logged and left out.
    """
    found = [
        _loaded(point.value, point.load) for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda item: item.name)
    ]
    found += [_loaded(name, lambda name=name: _imported(name)) for name in names]  # type: ignore[misc]
    return Hooks(hook for hook in found if hook is not None)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _loaded(name: str, load: Callable[[], Any]) -> Any:
    try:
        hook = load()
        return hook() if isinstance(hook, type) else hook
    except Exception:
        log.exception("The hook %s cannot be loaded.", name)
        return None
