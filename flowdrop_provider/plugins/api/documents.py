"""The document behind a DAG, read where the DAG came from: the same bundle version, the same reader as on a worker.

The API server may run on a machine without the exports. Then there is only the drawing, which is enough to show runs, and
callers are told so.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from airflow.models.dag import DagModel

from flowdrop_provider.document.models import Workflow
from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.plugins.api.drawings import Drawing

__all__ = ["FlowDocument", "document_of"]

log = logging.getLogger("flowdrop.api")


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
    found = _read(dag.bundle_name, dag.bundle_version, dag.relative_fileloc or "", drawing.workflow_id, drawing.revision)
    if found is None:
        # A failure must not be kept: the bundle may arrive a moment later.
        _read.cache_clear()
    return found


@lru_cache(maxsize=128)
def _read(bundle: str, version: str | None, file: str, workflow_id: str, revision: str) -> FlowDocument | None:
    try:
        found = _load(_folder(bundle, version, file), workflow_id)
    except Exception:
        log.warning("The document of workflow %r could not be read.", workflow_id, exc_info=True)
        return None
    return found if found is not None and found.plan.revision == revision else None


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
