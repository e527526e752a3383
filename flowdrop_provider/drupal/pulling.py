"""What a site has drawn, as files: workflows, node types and triggers, as ``drush config:export`` would write them.

With the module one signed request answers it, or says that nothing has changed. Without it FlowDrop's own API and JSON:API
answer, which lose what Drupal loses there (fractions of positions, ``{}`` for ``[]``), and need a request a page.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowdrop_provider.document.files import NODE_TYPE_FILE, WORKFLOW_FILE
from flowdrop_provider.document.parsing import MAX_BYTES
from flowdrop_provider.drupal.access import json_of
from flowdrop_provider.drupal.site import Site, refusal
from flowdrop_provider.errors import NodeError

__all__ = ["MAX_FILES", "Pulled", "pull"]

MAX_FILES = 10_000
MAX_TOTAL = 64 * 1024 * 1024

#: Names a site may give; nothing of what it says ever leads out of the folder.
_NAME = re.compile(
    rf"(?:{re.escape(WORKFLOW_FILE)}|{re.escape(NODE_TYPE_FILE)}|flowdrop_trigger\.[a-z0-9_]+\.)[A-Za-z0-9_.-]{{1,180}}\.yml"
)
_ID = re.compile(r"[A-Za-z0-9_.-]{1,180}")
_JSON_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,179}\.json")


@dataclass(frozen=True, slots=True)
class Pulled:
    """The files of a site by name, and the tag to ask with next time (``""`` when the site gives none)."""

    files: Mapping[str, bytes]
    etag: str

    @property
    def version(self) -> str:
        """The first 40 hex digits of a hash over names and contents."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name}\n{len(data)}\n".encode())
            digest.update(data)
        return digest.hexdigest()[:40]


def pull(site: Site, etag: str = "") -> Pulled | None:
    """Return what the site has drawn, or ``None`` when nothing has changed since ``etag``.

    :raises NodeError: ``drupal_rubbish`` for an answer that makes no sense, and what :class:`Site` raises.
    """
    if site.credentials.signing_secret:
        reply = site.signed("GET", "/export", headers={"If-None-Match": etag} if etag else None)
        if reply.status == 304 and etag:
            return None
        document = json_of(reply)
        if reply.status != 200 or not document:
            raise refusal(reply, document)
        tag = next((value for name, value in reply.headers if name.lower() == "etag"), "")
        return Pulled(_checked(document.get("files")), tag)
    found = Pulled(_checked({**_workflows(site), **_node_types(site)}), "")
    return None if etag and etag == found.version else Pulled(found.files, found.version)


def _checked(files: Any) -> dict[str, bytes]:
    """Return the files as bytes; a site cannot name what it likes, nor send more than fits."""
    if not isinstance(files, Mapping) or len(files) > MAX_FILES:
        raise _rubbish("no map of at most 10,000 files")
    found: dict[str, bytes] = {}
    for name, text in files.items():
        if not isinstance(text, str) or not (_NAME.fullmatch(name) or _JSON_NAME.fullmatch(name)):
            raise _rubbish(f"a file that may not be called {str(name)[:80]!r}")
        found[name] = text.encode()
        if len(found[name]) > MAX_BYTES:
            raise _rubbish(f"a file {name!r} of more than {MAX_BYTES:,} bytes")
    if sum(map(len, found.values())) > MAX_TOTAL:
        raise _rubbish(f"more than {MAX_TOTAL:,} bytes")
    return found


def _rubbish(what: str) -> NodeError:
    return NodeError(f"Drupal sent {what}.", code="drupal_rubbish", retryable=True)


def _workflows(site: Site) -> dict[str, str]:
    """Return every workflow of FlowDrop's API, page by page; the header with the total counts the page only (measured)."""
    found: dict[str, str] = {}
    size = 100
    for offset in range(0, MAX_FILES, size):
        page = site.flowdrop("workflows", {"limit": str(size), "offset": str(offset)}).get("data")
        if not isinstance(page, list):
            raise _rubbish("a list of workflows that is none")
        for workflow in page:
            if not isinstance(workflow, Mapping) or not _ID.fullmatch(str(workflow.get("id"))):
                raise _rubbish("a workflow without a usable id")
            found[f"{workflow['id']}.json"] = _text(workflow)
        if len(page) < size:
            break
    return found


def _node_types(site: Site) -> dict[str, str]:
    """Return the site's node types over JSON:API; without the permission to read them the shipped ones serve."""
    found: dict[str, str] = {}
    try:
        for resource in site.collection("flowdrop_node_type/flowdrop_node_type", most=MAX_FILES):
            attributes = dict(resource.get("attributes") or {})
            id_ = str(attributes.pop("drupal_internal__id", "") or "")
            if _ID.fullmatch(id_):
                found[f"{NODE_TYPE_FILE}{id_}.yml"] = _text({"id": id_, **attributes})
    except NodeError as error:
        if error.retryable:
            raise
    return found


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
