"""All that is wrong with a start is said at once, before anything exists."""

from __future__ import annotations

import pytest

from flowdrop_provider.library.workshop import examine_path, plan_or_raise
from flowdrop_provider.plugins.api.launching import launch_findings
from tests.flows import flow, node, write
from tests.integration.scenarios import DECLARED, EVENT


def plan_of(tmp_path, document):
    return plan_or_raise(examine_path(write(tmp_path, document) / f"{document['id']}.json")[0])


@pytest.fixture
def plan(tmp_path):
    return plan_of(
        tmp_path,
        flow(
            "asks",
            [node("text_processor.1", operation="uppercase"), node("text_output.1")],
            ["text_processor.1:text > text_output.1:text"],
            input_ports=[
                {"name": "words", "node_id": "text_processor.1", "port": "text", "required": True},
                {"name": "mode", "node_id": "text_output.1", "port": "format"},
            ],
            parameter_schema={
                "type": "object",
                "properties": {"words": {"type": "string"}, "mode": {"type": "string", "enum": ["a", "b"]}},
            },
        ),
    )


@pytest.mark.rule("MAN-13", "MAN-15", "MAN-16")
def test_every_kind_of_finding_is_reported_together(plan):
    found = launch_findings(plan, {"mode": "c", "nope": 1}, {})

    assert {finding["code"] for finding in found} == {"LAUNCH_UNDECLARED", "LAUNCH_MISSING", "LAUNCH_INVALID"}
    assert launch_findings(plan, {"words": "hi", "mode": "a"}, {}) == []
    assert launch_findings(plan, {}, {"text_processor.1": {"text": "hi"}}) == []


@pytest.mark.rule("OCX-6")
def test_an_event_may_carry_anything(tmp_path):
    assert launch_findings(plan_of(tmp_path, EVENT), {"id": 7, "whatever": {}}, {}) == []


def test_a_workflow_without_findings_starts(tmp_path):
    plan = plan_of(tmp_path, DECLARED)

    assert launch_findings(plan, {}, {}) == []
    assert [finding["code"] for finding in launch_findings(plan, {"words": 3}, {})] == ["LAUNCH_INVALID"]
