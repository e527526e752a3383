from __future__ import annotations

import pytest

from flowdrop_provider.plugins.api.run_search import ending

ERROR = {"message": "Division by zero", "code": "expression_failed", "node_id": "mapper.1", "details": {"at": 1}}


@pytest.mark.parametrize(
    ("status", "summary", "result_state", "code"),
    [
        ("failed", {"status": "failed", "error": ERROR}, "failed", "expression_failed"),
        ("cancelled", {"status": "cancelled", "error": {**ERROR, "code": "interrupt_expired"}}, "failed", "interrupt_expired"),
        ("failed", {"status": "completed", "error": None}, "success", "marked_failed"),
        # Its summary may be where this server cannot read it.
        ("failed", {}, "success", "marked_failed"),
        ("failed", {}, "failed", None),
        ("failed", {}, None, "ended_by_airflow"),
        ("failed", {}, "upstream_failed", "ended_by_airflow"),
        ("completed", {"status": "completed", "error": None}, "success", None),
        ("running", {}, None, None),
        ("cancelled", {}, "skipped", None),
    ],
)
def test_what_ended_a_run(status, summary, result_state, code):
    found = ending(status, summary, result_state)

    assert (found and found["code"]) == code
    assert found is None or list(found) == ["message", "code", "node_id"]
