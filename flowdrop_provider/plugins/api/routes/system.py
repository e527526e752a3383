"""Health, configuration, version and check-up of this server."""

from __future__ import annotations

import datetime as dt
import time
from typing import Annotated, Any

from fastapi import APIRouter, Path

from flowdrop_provider import __version__, conf
from flowdrop_provider.document.validation import MAX_EDGES, MAX_NODES
from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.security import (
    UserDep,
    administers,
    administrator,
    administrator_acts,
    open_to_all,
    signed_in,
)
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.system_models import (
    DoctorAnswer,
    NoticeRulesAnswer,
    NoticeTestAnswer,
    SystemConfigAnswer,
)

__all__ = ["router"]

router = APIRouter(tags=["system"])

_STARTED = time.monotonic()


def _features() -> dict[str, bool]:
    """Return what this server serves of FlowDrop's contract; the editor's host pages may hide the rest."""
    return {
        "workflows": True,
        "workflow_store": bool(conf.workflow_store()),
        "executions": True,
        "interrupts": True,
        "playground": True,
        "snapshots": True,
        "agentspec": False,
        "trace": True,
        "metrics": True,
    }


@router.get("/health", dependencies=[open_to_all])
@router.get("/system/health", dependencies=[open_to_all], include_in_schema=False)
def get_health() -> dict[str, Any]:
    """Say that the server answers; both generations of the editor ask here."""
    return {
        "success": True,
        "status": "healthy",
        "timestamp": dt.datetime.now(dt.timezone.utc).isoformat(),
        "version": __version__,
        "service": "flowdrop-airflow",
        "uptime": round(time.monotonic() - _STARTED),
    }


@router.get("/system/config", dependencies=[signed_in], response_model=None, responses={200: {"model": SystemConfigAnswer}})
def get_system_config(user: UserDep) -> dict[str, Any]:
    """Return features and limits, and whether the caller looks after this deployment."""
    limits = {"maxWorkflowNodes": MAX_NODES, "maxWorkflowEdges": MAX_EDGES, "maxPageSize": 100}
    caller = {"administrator": administers(user)}
    return {"success": True, "data": {"version": __version__, "features": _features(), "limits": limits, "caller": caller}}


@router.get("/system/version", dependencies=[signed_in])
def get_system_version() -> dict[str, Any]:
    """Return the versions of this package, of the API and of Airflow."""
    from airflow import __version__ as airflow_version

    facts = {"version": __version__, "build": f"airflow-{airflow_version}", "api_version": "1"}
    return {"success": True, **facts, "data": {**facts, "airflow_version": airflow_version}}


@router.get("/system/doctor", dependencies=[administrator], response_model=None, responses={200: {"model": DoctorAnswer}})
def get_system_doctor(session: SessionDep) -> dict[str, Any]:
    """Return what to change in this deployment and why, as the API server sees it; no other system is called."""
    from flowdrop_provider.plugins.operating.doctor import examine

    return {"success": True, "data": examine(session)}


@router.get("/system/notices", dependencies=[administrator], response_model=None, responses={200: {"model": NoticeRulesAnswer}})
def get_system_notices() -> dict[str, Any]:
    """Return the rules for notices, with whom their channels reach."""
    from flowdrop_provider.plugins.operating.trial import list_rules

    return {"success": True, "data": list_rules()}


@router.post(
    "/system/notices/{rule}/test",
    dependencies=[administrator_acts, audited("flowdrop_notice_test")],
    response_model=None,
    responses={200: {"model": NoticeTestAnswer}},
)
def try_system_notice(rule: Annotated[str, Path(max_length=250)]) -> dict[str, Any]:
    """Send a test message by each channel of a rule and return what happened; a channel may take ten seconds to fail."""
    from flowdrop_provider.plugins.operating.trial import try_rule

    try:
        return {"success": True, "data": try_rule(rule)}
    except ConfigurationError as error:
        if error.code == "CONF_NOTICE_UNKNOWN":
            raise ApiError(404, "RULE_NOT_FOUND", error.message) from error
        raise
