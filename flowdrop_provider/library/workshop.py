"""From a path to plans: exports read together with their node types, validated and compiled, one verdict a workflow.

The command line, the DAG factory and the bundles all come through here, so that a workflow is accepted or refused by the
same rules everywhere, with the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowdrop_provider.document.exports import ExportSet, LoadedWorkflow, read_exports
from flowdrop_provider.document.files import node_types_beside
from flowdrop_provider.document.findings import Finding, Report
from flowdrop_provider.document.models import TriggerConfig, Workflow
from flowdrop_provider.document.node_type_files import node_type_folder, read_node_type
from flowdrop_provider.document.node_types import NodeType, NodeTypeCatalogue
from flowdrop_provider.document.validation import ValidationPolicy, validate
from flowdrop_provider.engine.compile import compile_workflow
from flowdrop_provider.engine.plan import Plan
from flowdrop_provider.engine.strategies import Choice, choose, loop_edges
from flowdrop_provider.errors import CompilationError, DocumentError, FlowDropError, ValidationFailed
from flowdrop_provider.nodes.registry import get_processor, shipped_catalogue

__all__ = [
    "Verdict",
    "catalogue_for",
    "check_expressions",
    "declared_by",
    "examine",
    "examine_path",
    "plan_or_raise",
    "policy_with_expressions",
    "unreadable",
]


@dataclass
class Verdict:
    """What became of one workflow (or of a file that is none): a plan, or errors; warnings either way."""

    path: str
    loaded: LoadedWorkflow | None = None
    plan: Plan | None = None
    report: Report = field(default_factory=Report)

    @property
    def valid(self) -> bool:
        """Whether the workflow may be launched."""
        return self.report.valid and self.plan is not None

    @property
    def workflow(self) -> Workflow:
        """The document; only a verdict with a plan has one for sure."""
        if self.loaded is None:
            raise DocumentError("The file could not be read.", path=self.path)
        return self.loaded.workflow

    def as_dict(self) -> dict[str, Any]:
        """Return ``{path, workflow_id, revision, errors, warnings}``."""
        return {
            "path": self.path,
            "workflow_id": self.loaded.workflow.id if self.loaded else None,
            "revision": self.plan.revision if self.plan else None,
            "errors": [finding.as_dict() for finding in self.report.errors],
            "warnings": [finding.as_dict() for finding in self.report.warnings],
        }


def declared_by(executor_plugin: str) -> NodeType | None:
    """Return the shipped node type of a processor id, or ``None``."""
    found = get_processor(executor_plugin)
    return found.node_type if found is not None else None


def catalogue_for(path: Path, raw_types: Iterable[Mapping[str, Any]] = (), node_types: Path | None = None) -> NodeTypeCatalogue:
    """Return the live node types for exports at ``path``: a site's files beside them win over the shipped types.

    :param raw_types: node types read together with the exports.
    :param node_types: the folder to use instead of looking beside the exports.
    """
    folder = node_types or node_types_beside(path)
    site = node_type_folder(folder, declared_by) if folder is not None else None
    overrides = [read_node_type(raw, declared_by) for raw in raw_types]
    return shipped_catalogue().extended(overrides, site)


def check_expressions(processor: str, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return ``(dotted path, what is wrong)`` of each configured expression that is no valid one (R11)."""
    from flowdrop_provider.expressions.configured import invalid_expressions

    return [(path, error.message) for path, error in invalid_expressions(processor, config)]


def policy_with_expressions(missing_processor: str = "error") -> ValidationPolicy:
    """Return the validation policy that also checks expressions."""
    return ValidationPolicy(missing_processor=missing_processor, check_expression=check_expressions)


def examine(
    loaded: LoadedWorkflow,
    catalogue: NodeTypeCatalogue,
    policy: ValidationPolicy | None = None,
    triggers: Iterable[TriggerConfig] = (),
) -> Verdict:
    """Validate and compile one workflow; compilation errors join the report (all rules, then the stages of CMP-1).

    :param triggers: the site's triggers, for the strategy that they name (ORC-2).
    """
    report = validate(loaded.workflow, catalogue, policy or policy_with_expressions())
    verdict = Verdict(loaded.path, loaded, report=report)
    try:
        plan = compile_workflow(loaded.workflow, catalogue)
        choice = choose(loaded.workflow, triggers)
        verdict.plan = replace(plan, strategy=choice.strategy.identifier if choice.named else "")
        _report_strategy(report, choice, verdict.plan)
    except CompilationError as error:
        report.errors.append(_finding(error, loaded))
    if report.errors or report.warnings:
        verdict.report = report.with_lines(loaded.line_of)
    return verdict


def _report_strategy(report: Report, choice: Choice, plan: Plan) -> None:
    """Say what became of the named strategies, and refuse loops under one that walks once (ORC-3, ORC-7)."""
    for code, sentence, locator in choice.warnings:
        report.warn(code, sentence, locator)
    loops = loop_edges(plan)
    if choice.strategy.walks_once and loops:
        report.error(
            "STRATEGY_NO_LOOPS",
            f"The strategy {choice.strategy.identifier} walks each node once and refuses loopback edges: {', '.join(loops)}.",
            "workflow",
            hint="Choose flowdrop_runtime:asynchronous or flowdrop_stategraph:stategraph, which iterate.",
        )


def _finding(error: FlowDropError, loaded: LoadedWorkflow) -> Finding:
    locator = error.locator or "workflow"
    index = next((node.index for node in loaded.workflow.nodes if locator == f"node.{node.id}"), None)
    pointer: tuple[str | int, ...] = ("nodes", index) if index is not None else ()
    return Finding(error.code, error.message, locator, error.hint, pointer)


def examine_path(
    path: Path,
    node_types: Path | None = None,
    policy: ValidationPolicy | None = None,
    triggers: Iterable[TriggerConfig] = (),
) -> list[Verdict]:
    """Return a verdict for every workflow at ``path``, and for every file that could not be read.

    :param triggers: of the site, where ``path`` is one file of several; triggers at ``path`` itself join them.
    """
    exports: ExportSet = read_exports(path)
    catalogue = catalogue_for(path, exports.node_types, node_types)
    known = [*triggers, *exports.triggers]
    verdicts = [examine(loaded, catalogue, policy, known) for loaded in exports.workflows]
    return [*verdicts, *(unreadable(problem) for problem in exports.problems)]


def unreadable(problem: DocumentError) -> Verdict:
    """Return the verdict of a file that could not be read."""
    finding = Finding(problem.code, problem.message, problem.locator or "document", problem.hint, (), problem.line)
    return Verdict(problem.path or "", report=Report(errors=[finding]))


def plan_or_raise(verdict: Verdict) -> Plan:
    """Return the plan of a valid verdict.

    :raises ValidationFailed: with all findings, and a message that names file, line, place and reason of the first.
    """
    if verdict.plan is not None and verdict.report.valid:
        return verdict.plan
    first, more = verdict.report.errors[0], len(verdict.report.errors) - 1
    raise ValidationFailed(
        first.message + (f" ({more} more finding{'s' if more > 1 else ''})" if more else ""),
        [finding.as_dict() for finding in verdict.report.errors],
        code=first.code,
        locator=first.locator,
        hint=first.hint,
        path=verdict.path,
        line=first.line,
    )
