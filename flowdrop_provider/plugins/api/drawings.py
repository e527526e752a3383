"""The drawing of a revision, read from the serialized DAG and kept by content hash."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from airflow.models.serialized_dag import SerializedDagModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flowdrop_provider.engine.naming import RESULT_TASK_ID

__all__ = ["Drawing", "drawing_of", "drawings_at", "latest_drawings"]

_KEPT = 1_000


@dataclass(frozen=True)
class Drawing:
    """A workflow as its author drew it (:func:`flowdrop_provider.library.outline.drawing_of`)."""

    flow: Mapping[str, Any]

    @property
    def workflow_id(self) -> str:
        """The id of the workflow document."""
        return str(self.flow.get("workflow_id") or "")

    @property
    def name(self) -> str:
        """The author's name for it."""
        return str(self.flow.get("name") or self.workflow_id)

    @property
    def revision(self) -> str:
        """Hash of the executable part."""
        return str(self.flow.get("revision") or "")

    def overlap(self, trigger: str) -> str:
        """Return the overlap policy of a trigger, by its id; ``""`` for none (TRIG-1)."""
        policies = self.flow.get("overlaps") or {}
        return str(policies.get(trigger) or policies.get("") or "")

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """Drawn nodes by id."""
        return {str(node["id"]): node for node in self.flow.get("nodes", ())}

    @cached_property
    def tasks(self) -> dict[str, list[str]]:
        """Node ids by task id: one each, several for a task that runs a region."""
        found: dict[str, list[str]] = {}
        for node_id, node in self.nodes.items():
            if "task_id" in node:
                found.setdefault(str(node["task_id"]), []).append(node_id)
        return found


_cache: OrderedDict[str, Drawing] = OrderedDict()
_lock = threading.Lock()


def _kept(key: str) -> Drawing | None:
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
        return _cache.get(key)


def _keep(key: str, drawing: Drawing) -> Drawing:
    with _lock:
        _cache[key] = drawing
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return drawing


def _flow_of(data: Any) -> dict[str, Any]:
    """Return the drawing inside serialized DAG data; ``{}`` when its last task carries none."""
    for task in (data or {}).get("dag", {}).get("tasks", ()):
        fields = task.get("__var", {})
        if fields.get("task_id") == RESULT_TASK_ID and isinstance(fields.get("flow"), str):
            flow = json.loads(fields["flow"])
            return flow if isinstance(flow, dict) else {}
    return {}


def _load(session: Session, keys: Mapping[UUID, tuple[str, str]]) -> dict[UUID, Drawing]:
    """Return the drawings of serialized rows ``{row id: (dag id, content hash)}``, reading only unknown contents."""
    found = {row_id: _kept(f"{dag_id}\n{content}") for row_id, (dag_id, content) in keys.items()}
    missing = [row_id for row_id, drawing in found.items() if drawing is None]
    rows = session.scalars(select(SerializedDagModel).where(SerializedDagModel.id.in_(missing))) if missing else ()
    for row in rows:
        dag_id, content = keys[row.id]
        found[row.id] = _keep(f"{dag_id}\n{content}", Drawing(_flow_of(row.data)))
    return {row_id: drawing for row_id, drawing in found.items() if drawing is not None}


def drawing_of(session: Session, dag_id: str, version_id: UUID | None) -> Drawing:
    """Return the drawing of one DAG version, the newest when ``version_id`` is ``None``; empty when there is none."""
    if version_id is None:
        return latest_drawings(session, [dag_id]).get(dag_id, Drawing({}))
    return drawings_at(session, [version_id]).get(version_id) or drawing_of(session, dag_id, None)


def drawings_at(session: Session, version_ids: Iterable[UUID]) -> dict[UUID, Drawing]:
    """Return the drawing of each DAG version that Airflow still has serialized, in two queries at most."""
    model = SerializedDagModel
    query = select(model.id, model.dag_id, model.dag_hash, model.dag_version_id).where(
        model.dag_version_id.in_(list(version_ids))
    )
    rows = session.execute(query).all()
    found = _load(session, {row.id: (row.dag_id, row.dag_hash) for row in rows})
    return {row.dag_version_id: found[row.id] for row in rows if row.id in found}


def latest_drawings(session: Session, dag_ids: Iterable[str]) -> dict[str, Drawing]:
    """Return the newest drawing of each DAG, in two queries at most."""
    model = SerializedDagModel
    newest = (
        select(model.dag_id, func.max(model.created_at).label("created_at"))
        .where(model.dag_id.in_(list(dag_ids)))
        .group_by(model.dag_id)
        .subquery()
    )
    query = select(model.id, model.dag_id, model.dag_hash).join(
        newest, (model.dag_id == newest.c.dag_id) & (model.created_at == newest.c.created_at)
    )
    rows = session.execute(query).all()
    found = _load(session, {row.id: (row.dag_id, row.dag_hash) for row in rows})
    return {row.dag_id: found[row.id] for row in rows if row.id in found}
