"""What a Drupal site tells by itself: something was drawn, so that nobody waits for the next look."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from flowdrop_provider.plugins.api.auditing import audited
from flowdrop_provider.plugins.api.refreshing import request_refresh
from flowdrop_provider.plugins.api.sessions import SessionDep
from flowdrop_provider.plugins.api.sites import signed_bundles

__all__ = ["router"]

router = APIRouter(tags=["drupal"])


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
        request_refresh(session, bundle)
    asked = body or PushRequest()
    return {
        "success": True,
        "message": "The site is asked for its workflows at once.",
        "data": {"workflow_id": id_, "operation": asked.operation, "bundles": bundles},
    }
