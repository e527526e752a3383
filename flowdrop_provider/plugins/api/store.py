"""The workflow store: the folder of one DAG bundle that this API may write to (``[flowdrop] workflow_store``).

A workflow is a file of the bundle's folder, ``<id>.json``. Files that others put there are read and never written. Airflow is
told to look at the bundle at once, so that a save is a DAG within seconds; until then the store itself answers reads.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flowdrop_provider import conf
from flowdrop_provider.dag_factory import dag_id_of
from flowdrop_provider.document.exports import LoadedWorkflow
from flowdrop_provider.document.node_types import NodeTypeCatalogue
from flowdrop_provider.document.normalise import BUNDLE_FORMAT, looks_like_bundle, read_workflow
from flowdrop_provider.document.parsing import parse
from flowdrop_provider.document.storing import FLOW_ID
from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.library.workshop import Verdict, catalogue_for, examine
from flowdrop_provider.plugins.api.reading import iso
from flowdrop_provider.plugins.api.shapes.workflows import workflow_from_document

__all__ = ["Stored", "WorkflowStore", "is_bundle", "open_store", "is_stored"]


@dataclass(frozen=True)
class Stored:
    """A file of the store.

    :ivar flow: the workflow in it.
    :ivar envelope: the ``flowdrop.bundle/v1`` around it, if it came with one.
    """

    flow: Mapping[str, Any]
    envelope: Mapping[str, Any] | None = None

    def document(self, flow: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the file holds when its workflow is ``flowdrop``'s new one."""
        if self.envelope is None:
            return dict(flow)
        return {**self.envelope, "payload": {**self.envelope["payload"], "flow": dict(flow)}}


class WorkflowStore:
    """Files of one folder.

    :param bundle: the DAG bundle's name.
    :param folder: its folder of exports.
    """

    def __init__(self, bundle: str, folder: Path) -> None:
        self.bundle = bundle
        self._folder = folder

    def _file(self, id_: str) -> Path | None:
        return self._folder / f"{id_}.json" if FLOW_ID.match(id_) else None

    def find(self, id_: str) -> Stored | None:
        """Return the file of a workflow that this store wrote; ``None`` when there is none."""
        file = self._file(id_)
        if file is None or not file.is_file():
            return None
        value = parse(file.read_bytes(), file.name)
        if looks_like_bundle(value):
            return Stored(value["payload"]["flow"], value)
        return Stored(value) if isinstance(value, Mapping) and value.get("id") == id_ else None

    def catalogue(self, envelope: Mapping[str, Any] | None = None) -> NodeTypeCatalogue:
        """Return the node types of the folder, and those that a bundle brings along."""
        brought = (envelope or {}).get("payload", {}).get("node_types") or []
        values = brought.values() if isinstance(brought, Mapping) else brought
        return catalogue_for(self._folder / "new.json", [item for item in values if isinstance(item, Mapping)])

    def examine(self, document: Mapping[str, Any], envelope: Mapping[str, Any] | None = None) -> Verdict:
        """Return the verdict on a stored form."""
        loaded = LoadedWorkflow(read_workflow(document), "request", json.dumps(document, indent=1).encode())
        return examine(loaded, self.catalogue(envelope))

    def facts(self, verdict: Verdict) -> dict[str, Any]:
        """Return what is known of a stored workflow before Airflow has read it."""
        workflow = verdict.workflow
        own = {"revision": verdict.plan.revision if verdict.plan is not None else "", "bundle": self.bundle}
        return {
            "createdAt": _moment(workflow.created),
            "updatedAt": _moment(workflow.changed),
            **own,
            "dag_id": dag_id_of(workflow.id),
        }

    def answer(self, stored: Stored) -> dict[str, Any]:
        """Return a stored workflow as the editor loads it."""
        verdict = self.examine(stored.flow, stored.envelope)
        return workflow_from_document(verdict.workflow, self.catalogue(stored.envelope), self.facts(verdict))

    def write(self, id_: str, document: Mapping[str, Any]) -> None:
        """Write a file beside its place and rename it, so that nobody reads half of it."""
        target = self._folder / f"{id_}.json"
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".writing-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(document, stream, indent=2, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def delete(self, id_: str) -> None:
        """Remove the file of a workflow."""
        (self._folder / f"{id_}.json").unlink(missing_ok=True)


def open_store() -> WorkflowStore | None:
    """Return the deployment's store, ``None`` when it has none.

    :raises ConfigurationError: ``CONF_WORKFLOW_STORE``: the setting names no bundle with a folder of its own.
    """
    name = conf.workflow_store()
    return _store_of(name) if name else None


@cache
def _store_of(name: str) -> WorkflowStore:
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    from flowdrop_provider.bundles.folder import FlowDropFolderBundle

    manager = DagBundlesManager()  # type: ignore[no-untyped-call]
    bundle = manager.get_bundle(name) if name in manager.get_all_bundle_names() else None
    if not isinstance(bundle, FlowDropFolderBundle) or not bundle.source.is_dir():
        raise ConfigurationError(
            f"[flowdrop] workflow_store names {name!r}, which is no DAG bundle over a folder of exports here.",
            code="CONF_WORKFLOW_STORE",
            hint="Name a FlowDropFolderBundle of [dag_processor] dag_bundle_config_list whose path is a folder.",
        )
    return WorkflowStore(name, bundle.source)


def is_stored(id_: str) -> bool:
    """Return whether the store holds a workflow, for the time before Airflow knows it."""
    store = open_store()
    return store is not None and store.find(id_) is not None


def _moment(stamp: int | str | None) -> str | None:
    return iso(dt.datetime.fromtimestamp(stamp, dt.timezone.utc)) if isinstance(stamp, int) else stamp


def is_bundle(body: Mapping[str, Any]) -> bool:
    """Return whether a body is a bundle's envelope, of whatever version."""
    return looks_like_bundle(body) or body.get("format") == BUNDLE_FORMAT
