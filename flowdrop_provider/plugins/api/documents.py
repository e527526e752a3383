"""The document behind a DAG, read where the DAG came from: the same bundle version, the same reader as on a worker.

The API server may run on a machine without the exports. Then there is only the drawing, which is enough to show runs, and
callers are told so.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow.models.dag import DagModel

from flowdrop_provider.document.models import Workflow
from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.errors import DocumentError
from flowdrop_provider.plugins.api.drawings import Drawing

__all__ = ["FlowDocument", "document_of"]

log = logging.getLogger("flowdrop.api")

#: Documents that were not here, and until when nobody looks again (seconds of the monotonic clock).
_absent: dict[tuple[str | None, ...], float] = {}
_MAX_ABSENT = 1_000
_RETRY_AFTER = 30.0


@dataclass(frozen=True)
class FlowDocument:
    """A workflow document with the node types it was compiled with."""

    workflow: Workflow
    catalogue: NodeTypeCatalogue
    plan: Plan


def document_of(dag: DagModel, drawing: Drawing) -> FlowDocument | None:
    """Return the document of a DAG's current version, or ``None`` when this machine does not have *that* revision."""
    if not drawing.workflow_id:
        return None
    key = (dag.bundle_name, dag.bundle_version, dag.relative_fileloc or "", drawing.workflow_id, drawing.revision)
    if time.monotonic() < _absent.get(key, 0.0):
        return None
    try:
        return _read(*key)
    except Exception:
        # Whatever a bundle of the deployment raises: the drawing still serves. The bundle may arrive a moment later.
        if len(_absent) >= _MAX_ABSENT:
            _absent.clear()
        _absent[key] = time.monotonic() + _RETRY_AFTER
        log.warning("The document of workflow %r is not here.", drawing.workflow_id, exc_info=True)
        return None


@lru_cache(maxsize=128)
def _read(bundle: str, version: str | None, file: str, workflow_id: str, revision: str) -> FlowDocument:
    found = _load(_folder(bundle, version, file), workflow_id)
    if found is None or found.plan.revision != revision:
        raise DocumentError("The bundle has no such workflow, or another revision of it.", code="DOC_MISSING")
    return found


def _folder(bundle: str, version: str | None, file: str) -> Path:
    """Return the folder in which a DAG file's exports lie: the bundle's documents, else beside the file."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    manager = DagBundlesManager()  # type: ignore[no-untyped-call]
    source = manager.get_bundle(bundle, version)
    source.initialize()
    documents = source.path / "documents"
    return documents if documents.is_dir() else (source.path / file).parent


def _load(folder: Path, workflow_id: str) -> FlowDocument | None:
    from flowdrop_provider.document.exports import read_exports
    from flowdrop_provider.engine.compile import compile_workflow
    from flowdrop_provider.library.sources import Library
    from flowdrop_provider.library.workshop import catalogue_for

    shelf = Library(folder).one(lambda found: found == workflow_id, [workflow_id])
    if shelf is None or shelf.source is None:
        return None
    source = shelf.source
    exports = read_exports(source.path)
    loaded = next((item for item in exports.workflows if item.workflow.id == workflow_id), None)
    if loaded is None:
        return None
    catalogue = catalogue_for(source.path, exports.node_types, source.node_types)
    return FlowDocument(loaded.workflow, catalogue, compile_workflow(loaded.workflow, catalogue))
