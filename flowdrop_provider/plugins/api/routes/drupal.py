"""What a Drupal site tells by itself: something was drawn, so that nobody waits for the next look."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.sites import signed_bundles

__all__ = ["router"]

router = APIRouter(tags=["drupal"])

#: No such file exists: the request makes the DAG processor refresh the bundle, and the file itself is then dropped. A real one
#: would be parsed as it lay there before the refresh.
PUSHED = "flowdrop_pushed.py"


class PushRequest(BaseModel):
    """What happened to the workflow; the content itself is fetched from the site."""

    model_config = ConfigDict(extra="ignore")

    operation: Literal["insert", "update", "delete"] = "update"


@router.post(
    "/drupal/workflows/{id}",
    status_code=202,
    dependencies=[signed_bundles, audited("flowdrop_push", owner="drupal")],
    response_model=None,
)
def push_workflow(
    session: SessionDep,
    bundles: Annotated[list[str], signed_bundles],
    id_: Annotated[str, Path(alias="id", max_length=250)],
    body: PushRequest | None = None,
) -> dict[str, Any]:
    """Make the new revision of a workflow visible within seconds; signed by the site instead of a user's token."""
    for bundle in bundles:
        _request_refresh(session, bundle)
    asked = body or PushRequest()
    return {
        "success": True,
        "message": "The site is asked for its workflows at once.",
        "data": {"workflow_id": id_, "operation": asked.operation, "bundles": bundles},
    }


def _request_refresh(session: Session, bundle: str) -> None:
    """Ask the DAG processor for a refresh in Airflow's own way; one request is enough for many pushes."""
    from airflow.models.dagbag import DagPriorityParsingRequest as Wanted

    asked = select(Wanted.id).where(Wanted.bundle_name == bundle, Wanted.relative_fileloc == PUSHED)
    if session.scalar(asked) is not None:
        return
    try:
        with session.begin_nested():
            session.add(Wanted(bundle_name=bundle, relative_fileloc=PUSHED))
    except IntegrityError:
        # Another push was a moment quicker.
        return
