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
from flowdrop_provider.tables.models import PlaygroundSession, Snapshot
from flowdrop_provider.tables.snapshots import find_snapshot

__all__ = [
    "ACCESS_MARK",
    "JOBS_READABLE",
    "RUNS_READABLE",
    "TAG",
    "UserDep",
    "administers",
    "administrator",
    "administrator_acts",
    "listed",
    "marked",
    "may",
    "may_edit",
    "may_view_all_chats",
    "may_read_values",
    "of_chat",
    "of_interrupt",
    "of_run",
    "of_snapshot",
    "of_workflow",
    "of_workflow_or",
    "open_to_all",
    "readable_dag_ids",
    "require",
    "signed_in",
    "snapshot_writer",
    "store_writer",
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


def _multi_team() -> bool:
    """Return whether DAGs belong to teams; where they do not, nobody needs to ask the database whose they are."""
    from airflow.configuration import conf

    return bool(conf.getboolean("core", "multi_team", fallback=False))


def may(session: Session, user: BaseUser, method: _Method, entity: DagAccessEntity | None, dag_id: str) -> bool:
    """Return whether a user may do something with one DAG."""
    team = DagModel.get_team_name(dag_id, session=session) if _multi_team() else None
    details = DagDetails(id=dag_id, team_name=team)
    # Gives the connection back: an auth manager may need one of its own.
    session.commit()
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))


def require(session: Session, user: BaseUser, method: _Method, entities: Sequence[DagAccessEntity | None], dag_id: str) -> None:
    """Refuse whoever may not do all of it.

    :raises ApiError: 403 ``FORBIDDEN``.
    """
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
        require(session, user, method, entities or (None,), dag.dag_id)
        return dag

    return Depends(marked(find, f"{method} workflow"))


def of_workflow_or(method: _Method, exists: Callable[[str], bool], param: str = "id") -> Any:
    """Return the dependency that gives the workflow id of the path to whoever may ``method`` it.

    :param exists: tells whether a workflow exists that Airflow does not know yet.
    """

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> str:
        try:
            dag_id = _workflow(session, value).dag_id
        except ApiError:
            if not exists(value):
                raise
            dag_id = dag_id_of(value)
        request.scope["path_params"]["dag_id"] = dag_id
        require(session, user, method, (None,), dag_id)
        return value

    return Depends(marked(find, f"{method} workflow"))


def may_edit(session: Session, user: BaseUser, dag_id: str) -> None:
    """Refuse whoever may not edit a DAG, be it there or not yet.

    :raises ApiError: 403 ``FORBIDDEN``.
    """
    require(session, user, "PUT", (None,), dag_id)


def of_run(method: _Method, *entities: DagAccessEntity, param: str = "id") -> Any:
    """Return the dependency that gives the :class:`DagRun` of the path's pipeline to whoever may ``method`` it."""

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> DagRun:
        run = _run(session, value)
        # Airflow's action log reads these names from the path.
        request.scope["path_params"] |= {"dag_id": run.dag_id, "dag_run_id": run.run_id}
        require(session, user, method, entities or (DagAccessEntity.RUN,), run.dag_id)
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
        require(session, user, method, (DagAccessEntity.HITL_DETAIL,), task.dag_id)
        return task

    return Depends(marked(find, f"{method} interrupt"))


def may_view_all_chats(session: Session, user: BaseUser, dag_id: str) -> bool:
    """Return whether a user may see the conversations that others had with a workflow: whoever may edit its DAG (PLAY-5)."""
    return may(session, user, "PUT", None, dag_id)


def of_chat(*, drive: bool = False, param: str = "session_id") -> Any:
    """Return the dependency that gives the path's playground session to whoever may see it, or drive it (MEM-9).

    A turn runs as the session's owner and on the owner's memory, so only the owner drives it, however much else others may do.
    """

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> PlaygroundSession:
        from uuid import UUID

        try:
            chat = session.scalar(select(PlaygroundSession).where(PlaygroundSession.id == UUID(value)))
        except ValueError:
            chat = None
        if chat is None or not _is_flow(session, chat.dag_id):
            raise not_found("session", value)
        request.scope["path_params"]["dag_id"] = chat.dag_id
        own = bool(chat.owner) and chat.owner == user.get_name()
        require(session, user, "POST" if drive else "GET", (DagAccessEntity.RUN,), chat.dag_id)
        if not own and (drive or not may_view_all_chats(session, user, chat.dag_id)):
            raise ApiError(403, "FORBIDDEN", "This is somebody else's session.")
        return chat

    return Depends(marked(find, "POST session" if drive else "GET session"))


def of_snapshot(method: _Method, param: str = "execution_id") -> Any:
    """Return the dependency that gives the path's snapshot to its owner, and to whoever may edit its DAG (SNAP-2)."""

    def find(request: Request, user: UserDep, session: SessionDep, value: str = Path(alias=param)) -> Snapshot:
        snapshot = find_snapshot(session, value)
        if snapshot is None or not isinstance(snapshot.document, dict):
            raise not_found("snapshot", value)
        request.scope["path_params"]["dag_id"] = snapshot.dag_id
        require(session, user, "GET", (DagAccessEntity.RUN, DagAccessEntity.XCOM), snapshot.dag_id)
        own = bool(snapshot.owner) and snapshot.owner == user.get_name()
        if not own and not may_view_all_chats(session, user, snapshot.dag_id):
            raise ApiError(403, "FORBIDDEN", "This snapshot is somebody else's.")
        return snapshot

    return Depends(marked(find, f"{method} snapshot"))


def readable_dag_ids(session: Session, user: BaseUser, *entities: DagAccessEntity) -> set[str]:
    """Return the FlowDrop DAGs a user may read, together with what of them is asked for; removed ones keep their history."""
    manager = get_auth_manager()
    flows = set(session.scalars(select(DagTag.dag_id).where(DagTag.name == TAG)))
    found = flows & set(manager.get_authorized_dag_ids(user=user, method="GET", session=session))
    asked = found and entities and _multi_team()
    teams = DagModel.get_dag_id_to_team_name_mapping(list(found), session=session) if asked else {}
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


#: The DAGs whose runs, and those whose jobs the caller may see.
RUNS_READABLE = listed(DagAccessEntity.RUN)
JOBS_READABLE = listed(DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE)


def _signed_in(user: UserDep) -> BaseUser:
    """Let in whoever may see Airflow at all: for facts that belong to no workflow."""
    if not get_auth_manager().is_authorized_view(access_view=AccessView.WEBSITE, user=user):
        raise ApiError(403, "FORBIDDEN", "You may not use this server.")
    return user


def administers(user: BaseUser) -> bool:
    """Return whether a user may edit connections: whoever looks after the deployment, in every auth manager."""
    return bool(get_auth_manager().is_authorized_connection(method="PUT", user=user))


def _administrator(user: UserDep) -> BaseUser:
    """Let in who looks after the deployment."""
    if not administers(user):
        raise ApiError(403, "FORBIDDEN", "Only administrators may see this.")
    return user


def _anybody() -> None:
    """Let everybody in: only for what says nothing about workflows."""


def _writer(entity: DagAccessEntity | None, method: _Method, refusal: str) -> Callable[..., BaseUser]:
    """Return the function that lets in whoever may do a thing with some DAG; the handler asks about the one in the body."""

    def find(user: UserDep) -> BaseUser:
        if not get_auth_manager().is_authorized_dag(method=method, access_entity=entity, user=user):
            raise ApiError(403, "FORBIDDEN", refusal)
        return user

    return find


store_writer = Depends(marked(_writer(None, "PUT", "You may not save workflows."), "PUT store"))
snapshot_writer = Depends(marked(_writer(DagAccessEntity.RUN, "POST", "You may not keep snapshots."), "POST snapshot"))


def _administrator_acts(user: UserDep) -> BaseUser:
    return _administrator(user)


administrator = Depends(marked(_administrator, "GET deployment"))
administrator_acts = Depends(marked(_administrator_acts, "POST deployment"))
signed_in = Depends(marked(_signed_in, "signed in"))
open_to_all = Depends(marked(_anybody, "open"))
