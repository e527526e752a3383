"""Names on the Airflow side: node ids to task ids, workflow ids to DAG ids. Pure, so that ``flowdrop plan`` shows them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = ["RESULT_TASK_ID", "airflow_id", "task_ids"]

#: The last task of every workflow; no node may take its name.
RESULT_TASK_ID = "flowdrop_result"

#: What Airflow accepts in a DAG or task id (its own key grammar), at most 250 characters; some are left for group prefixes.
_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_LENGTH = 200


def airflow_id(name: str) -> str:
    """Return ``name`` where Airflow allows it as an id, else a readable form with a hash that keeps it unique."""
    if name and len(name) <= _MAX_LENGTH and _UNSAFE.search(name) is None:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{_UNSAFE.sub('_', name)[:_MAX_LENGTH].strip('_.') or 'node'}_{digest}"


def task_ids(node_ids: Iterable[str]) -> dict[str, str]:
    """Return the task id of each node id, no two the same: the node id itself where Airflow allows it, dots included."""
    names = list(node_ids)
    found = {name: name for name in names if name != RESULT_TASK_ID and airflow_id(name) == name}
    taken = {RESULT_TASK_ID, *found}
    for name in sorted(set(names) - set(found)):
        # A hash keeps names apart by chance; an author who wants to can write another node's hash.
        wanted = name if name != RESULT_TASK_ID else f"{name} node"
        while airflow_id(wanted) in taken:
            wanted += " "
        found[name] = airflow_id(wanted)
        taken.add(found[name])
    return {name: found[name] for name in names}
