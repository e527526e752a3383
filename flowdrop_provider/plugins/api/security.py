"""Who may do what: every route depends on one function of this module, and all of them ask Airflow's auth manager.

A caller is known by a bearer token or by the session cookie (the editor's badge request has no header at all). An unknown
thing is answered 404 before its authorisation is asked (PIPE-6); what a caller may not read is left out of lists (SNAP-2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from fastapi import Depends, Path, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from flowdrop_provider.dag_factory import dag_id_of
from flowdrop_provider.plugins.api.errors import ApiError, not_found
from flowdrop_provider.plugins.api.ids import run_key
from flowdrop_provider.plugins.api.sessions import SessionDep

__all__ = [
    "ACCESS_MARK",
    "TAG",
    "UserDep",
    "listed",
    "marked",
    "may",
    "may_read_values",
    "of_interrupt",
    "of_run",
    "of_workflow",
    "open_to_all",
    "readable_dag_ids",
    "signed_in",
]

#: The tag of every DAG that is a FlowDrop workflow.
TAG = "flowdrop"

#: Attribute of every dependency of this module; the test that walks the routes looks for it.
ACCESS_MARK = "flowdrop_access"

UserDep = Annotated[BaseUser, Depends(get_user)]

_Method = Any


def marked(dependency: Callable[..., Any], what: str) -> Callable[..., Any]:
    """Return the dependency, marked as one that decides about access: ``<method> <what>``."""
    setattr(dependency, ACCESS_MARK, what)
    return dependency


def may(session: Session, user: BaseUser, method: _Method, entity: DagAccessEntity | None, dag_id: str) -> bool:
    """Return whether a user may do something with one DAG."""
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id, session=session))
    # Gives the connection back: an auth manager may need one of its own.
    session.commit()
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))


def _require(
    session: Session, user: BaseUser, method: _Method, entities: Sequence[DagAccessEntity | None], dag_id: str
) -> None:
    if not all(may(session, user, method, entity, dag_id) for entity in entities):
        raise ApiError(403, "FORBIDDEN", "You may not do this with this workflow.")


def may_read_values(session: Session, user: BaseUser, dag_id: str) -> bool:
    """Return whether a user may see input and output of jobs, which Airflow keeps as XCom."""
    return may(session, user, "GET", DagAccessEntity.XCOM, dag_id)


def _is_flow(session: Session, dag_id: str) -> bool:
    return session.scalar(select(DagTag.dag_id).where(DagTag.dag_id == dag_id, DagTag.name == TAG)) is not None


def _workflow(session: Session, workflow_id: str) -> DagModel:
    """Return the DAG of a workflow id; a DAG id is understood too."""
    for dag_id in dict.fromkeys((dag_id_of(workflow_id), workflow_id)):
        dag = session.get(DagModel, dag_id)
        if dag is not None and not dag.is_stale and _is_flow(session, dag_id):
            return dag
    raise not_found("workflow", workflow_id)


def _run(session: Session, value: str) -> DagRun:
    dag_id, run_id = run_key(value)
    run: DagRun | None = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None or not _is_flow(session, dag_id):
        raise not_found("pipeline", value)
    return run


def of_workflow(method: _Method, *entities: DagAccessEntity, param: str = "id") -> Any:
    """Return the dependency that gives the :class:`DagModel` of the path's workflow to whoever may ``method`` it."""

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> DagModel:
        dag = _workflow(session, value)
        request.scope["path_params"]["dag_id"] = dag.dag_id
        _require(session, user, method, entities or (None,), dag.dag_id)
        return dag

    return Depends(marked(find, f"{method} workflow"))


def of_run(method: _Method, *entities: DagAccessEntity, param: str = "id") -> Any:
    """Return the dependency that gives the :class:`DagRun` of the path's pipeline to whoever may ``method`` it."""

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> DagRun:
        run = _run(session, value)
        # Airflow's action log reads these names from the path.
        request.scope["path_params"] |= {"dag_id": run.dag_id, "dag_run_id": run.run_id}
        _require(session, user, method, entities or (DagAccessEntity.RUN,), run.dag_id)
        return run

    return Depends(marked(find, f"{method} run"))


def of_interrupt(method: _Method, param: str = "id") -> Any:
    """Return the dependency that gives the :class:`TaskInstance` behind an interrupt to whoever may ``method`` it."""

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> TaskInstance:
        from uuid import UUID

        from airflow.models.hitl import HITLDetail

        try:
            detail = session.get(HITLDetail, UUID(value))
        except ValueError:
            detail = None
        if detail is None or not _is_flow(session, detail.task_instance.dag_id):
            raise not_found("interrupt", value)
        task: TaskInstance = detail.task_instance
        request.scope["path_params"] |= {"dag_id": task.dag_id, "dag_run_id": task.run_id, "task_id": task.task_id}
        _require(session, user, method, (DagAccessEntity.HITL_DETAIL,), task.dag_id)
        return task

    return Depends(marked(find, f"{method} interrupt"))


def readable_dag_ids(session: Session, user: BaseUser, *entities: DagAccessEntity) -> set[str]:
    """Return the FlowDrop DAGs a user may read, together with what of them is asked for; removed ones keep their history."""
    manager = get_auth_manager()
    flows = set(session.scalars(select(DagTag.dag_id).where(DagTag.name == TAG)))
    found = flows & set(manager.get_authorized_dag_ids(user=user, method="GET", session=session))
    teams = DagModel.get_dag_id_to_team_name_mapping(list(found), session=session) if found and entities else {}
    session.commit()
    return {
        dag_id
        for dag_id in found
        if all(
            manager.is_authorized_dag(
                method="GET", access_entity=entity, details=DagDetails(id=dag_id, team_name=teams.get(dag_id)), user=user
            )
            for entity in entities
        )
    }


def listed(*entities: DagAccessEntity) -> Any:
    """Return the dependency that gives the DAG ids a list may show to the caller."""

    def find(user: UserDep, session: SessionDep) -> set[str]:
        return readable_dag_ids(session, user, *entities)

    return Depends(marked(find, "filtered list"))


def _signed_in(user: UserDep) -> BaseUser:
    """Let in whoever may see Airflow at all: for facts that belong to no workflow."""
    if not get_auth_manager().is_authorized_view(access_view=AccessView.WEBSITE, user=user):
        raise ApiError(403, "FORBIDDEN", "You may not use this server.")
    return user


def _anybody() -> None:
    """Let everybody in: only for what says nothing about workflows."""


signed_in = Depends(marked(_signed_in, "signed in"))
open_to_all = Depends(marked(_anybody, "open"))
