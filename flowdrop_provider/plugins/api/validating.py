"""A document in a request, judged by the same rules as one in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowdrop_provider.document.exports import LoadedWorkflow
from flowdrop_provider.document.normalise import read_workflow
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.library.workshop import Verdict, examine, unreadable
from flowdrop_provider.nodes.registry import shipped_catalogue

__all__ = ["examined"]


def examined(body: Mapping[str, Any]) -> Verdict:
    """Return the verdict on a workflow document; a document that is none gets a verdict with one error."""
    try:
        workflow = read_workflow(body, path="request")
    except DocumentError as error:
        return unreadable(error)
    loaded = LoadedWorkflow(workflow, "request", json.dumps(body, indent=1).encode())
    return examine(loaded, shipped_catalogue())
