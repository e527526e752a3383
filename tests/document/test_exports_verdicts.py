"""Every real export with its verdict: what it is read as, and for a workflow which errors refuse it.

The table is the point: a change that accepts or refuses something new shows here, by name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools.pytest_rules import SHARED
from flowdrop_provider.document.exports import read_exports
from flowdrop_provider.library.workshop import examine_path

UNKNOWN, MISSING, TWIG = "R9_NODE_TYPE_UNKNOWN", "R1_PLUGIN_MISSING", "R11_EXPRESSION_INVALID"

#: Errors of each workflow by file; an empty set is a valid workflow.
WORKFLOWS: dict[str, set[str]] = {
    # The editor's samples use node types that only their own mock server knows.
    "editor/docs__demoWorkflow.json": {UNKNOWN},
    "editor/express__sample_chat_pipeline.json": set(),
    "editor/express__sample_content_processing.json": {UNKNOWN},
    "editor/fixture__complexWorkflow.json": {UNKNOWN},
    "editor/fixture__cyclicWorkflow.json": {"CMP_CYCLE", UNKNOWN},
    "editor/fixture__emptyWorkflow.json": {"CMP_NO_NODES"},
    "editor/fixture__simpleWorkflow.json": set(),
    "editor/mocks__agentspec-customer-support.json": {UNKNOWN},
    "editor/mocks__agentspec-llm-pipeline.json": {UNKNOWN},
    "editor/mocks__demo-foreach-loop.json": {UNKNOWN},
    "editor/mocks__demo-trigger-node.json": set(),
    "editor/mocks__demo_api_variables.json": {UNKNOWN},
    "editor/mocks__demo_template_autocomplete.json": set(),
    "editor/mocks__demo_tool_workflow.json": {UNKNOWN},
    "editor/mocks__node-types-showcase.json": {UNKNOWN},
    "editor/tutorial__saving-workflows.json": {UNKNOWN},
    "recorded/calc_demo": set(),
    "recorded/empty_flow": {"CMP_NO_NODES"},
    "recorded/odd_values": set(),
    "recorded/text_flow": set(),
    # A production site: most of its processors come from a module of its own, and so do two Twig functions.
    "site-a/aincient_agent_engine": {MISSING, UNKNOWN},
    "site-a/aincient_audit_agent": {MISSING},
    "site-a/aincient_brand_specialist_colour": {MISSING},
    "site-a/aincient_brand_specialist_shape": {MISSING},
    "site-a/aincient_brand_specialist_typography": {MISSING},
    "site-a/aincient_chrome_agent": {MISSING},
    "site-a/aincient_image_agent": {MISSING, TWIG},
    "site-a/aincient_onboarding": {MISSING},
    "site-a/aincient_operator_agent_loop": {MISSING},
    "site-a/aincient_pages_agent": {MISSING, TWIG},
    "site-a/aincient_policy_links": {MISSING},
    "site-a/aincient_policy_seo": {MISSING},
    "site-a/aincient_weather": set(),
    "site-a/brand_studio": {MISSING},
    "site-a/reason": {MISSING},
    "site-a/workshop_one_ai_call": {MISSING},
    "site-b/dri_es_photo_finder": {UNKNOWN},
    "site-b/http_get": set(),
    "site-b/lets_create_a_reasoner": set(),
    "site-b/level_1_3_pick_your_transform": set(),
    "site-b/level_1_4_polite_greeter_templating": set(),
    "site-b/level_1_5_conditional_reply": set(),
    "site-b/level_2_7_style_controlled_ai_reply": set(),
    "site-b/url_to_markdown": set(),
}

#: Node types in each file of several.
NODE_TYPE_LISTS = {
    "editor/node_types/docs_demoNodes.json": 9,
    "editor/node_types/express_nodes.json": 15,
    "editor/node_types/fixtures_nodes.json": 11,
    "editor/node_types/mocks_nodes.json": 64,
}

#: Files that are something else: run histories, and settings of Drupal's trigger module.
OTHERS = {
    "editor/pipelines_mock.json",
    *(
        f"site-a/triggers/flowdrop_trigger.settings.{name}yml"
        for name in ("", "cron.", "entity.", "form.", "integration.", "user.")
    ),
}


def name_of(path: Path) -> str:
    folder, file = path.parent.relative_to(SHARED / "exports"), path.name
    prefix = "flowdrop_workflow.flowdrop_workflow."
    return str(folder / (file.removeprefix(prefix).removesuffix(".yml") if file.startswith(prefix) else file))


FILES = sorted(file for file in (SHARED / "exports").rglob("*") if file.is_file()) if SHARED.is_dir() else []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_verdict(path: Path, shared: Path) -> None:
    name, found = name_of(path), read_exports(path)
    if name in WORKFLOWS:
        (verdict,) = examine_path(path)
        assert verdict.loaded is not None
        codes = {finding.code for finding in verdict.report.errors}
        assert codes == WORKFLOWS[name]
        assert verdict.valid == (not codes)
        assert all(finding.line for finding in verdict.report.errors), "every finding has a line"
    elif name in OTHERS:
        assert [problem.code for problem in found.problems] == ["DOC_NOT_A_WORKFLOW"]
    else:
        assert not found.workflows
        assert not found.problems
        assert len(found.node_types) == NODE_TYPE_LISTS.get(name, 1)


def test_every_listed_file_is_there(shared: Path) -> None:
    names = {name_of(path) for path in FILES}
    assert set(WORKFLOWS) | set(NODE_TYPE_LISTS) | OTHERS <= names


def test_only_missing_packs_refuse_a_production_export(shared: Path) -> None:
    """What refuses a site's workflow is always a processor or node type of elsewhere, never our reading of it."""
    for site in ("site-a", "site-b"):
        codes = {finding.code for verdict in examine_path(shared / "exports" / site) for finding in verdict.report.errors}
        assert codes <= {UNKNOWN, MISSING, TWIG}


def test_a_site_is_read_as_a_whole(shared: Path) -> None:
    found = read_exports(shared / "exports" / "site-a")
    assert len(found.workflows) == 16
    assert len(found.node_types) > 50
    assert found.problems == []
    assert len(found.others) == 6
