"""The palette: node types, categories, port types."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from flowdrop_provider.plugins.api.errors import not_found
from flowdrop_provider.plugins.api.pages import Page, page_of
from flowdrop_provider.plugins.api.security import signed_in
from flowdrop_provider.plugins.api.shapes.nodes import categories, node_metadata, port_config

__all__ = ["router"]

router = APIRouter(tags=["node types"], dependencies=[signed_in])


def _catalogue() -> Any:
    from flowdrop_provider.nodes.registry import shipped_catalogue

    return shipped_catalogue()


@router.get("/nodes")
def list_node_types(
    category: Annotated[str | None, Query(max_length=100)] = None,
    search: Annotated[str | None, Query(max_length=100)] = None,
    limit: int | None = None,
    offset: int = 0,
) -> dict[str, Any]:
    """Return the node types this installation can run; all of them unless a page is asked for."""
    needle = (search or "").casefold()
    found = [
        node_type
        for node_type in sorted(_catalogue(), key=lambda item: (item.category, item.label or item.id))
        if (category is None or node_type.category == category)
        and (needle in (node_type.label or node_type.id).casefold() or needle in node_type.description.casefold())
    ]
    page = Page.asked(limit, offset) if limit is not None else Page(max(len(found), 1), max(offset, 0))
    return page_of([node_metadata(item) for item in page.cut(found)], len(found), page, count=len(found))


@router.get("/nodes/{id}")
def get_node_type(id: str) -> dict[str, Any]:  # noqa: A002 - the contract's name
    """Return one node type."""
    found = _catalogue().get(id)
    if found is None:
        raise not_found("node_type", id)
    return {"success": True, "data": node_metadata(found)}


@router.get("/categories")
def get_categories() -> dict[str, Any]:
    """Return the palette's categories."""
    return {"success": True, "data": categories(_catalogue())}


@router.get("/port-config")
def get_port_config() -> dict[str, Any]:
    """Return the data types of ports."""
    return {"success": True, "data": port_config()}
