"""The DAG factory: a workflow's outline to a DAG. The one place where a node becomes an operator.

A DAG file needs two lines, which Airflow's safe mode finds because they say "airflow" and "dag"::

    from flowdrop_provider.dag_factory import build_airflow_dags

    globals().update(build_airflow_dags("workflows", beside=__file__))
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Param, TaskGroup, get_parsing_context

from flowdrop_provider import conf
from flowdrop_provider.engine.naming import RESULT_TASK_ID, airflow_id
from flowdrop_provider.errors import ConfigurationError, FlowDropError
from flowdrop_provider.library.cache import OutlineCache
from flowdrop_provider.library.forms import form_schema, form_text
from flowdrop_provider.library.outline import Outline
from flowdrop_provider.library.sources import Library, PlanSource, Shelf
from flowdrop_provider.operators.binding import FlowBinding
from flowdrop_provider.operators.group import FlowDropGroupOperator
from flowdrop_provider.operators.launch import FlowDropLaunchOperator
from flowdrop_provider.operators.node import FlowDropNodeOperator
from flowdrop_provider.operators.result import FlowDropResultOperator

__all__ = ["FlowDropTaskGroup", "FlowDropWarning", "build_airflow_dags", "build_dag", "dag_id_of"]

LAUNCH_TASK_ID = "flowdrop_launch"

#: Airflow refuses a DAG with a longer tag.
_MAX_TAG = 100
#: Characters of a DAG's documentation; it is kept with every version.
_MAX_DOC = 100_000


class FlowDropWarning(UserWarning):
    """A workflow was left out; Airflow shows it with the DAG file's warnings."""


def dag_id_of(workflow_id: str, prefix: str | None = None) -> str:
    """Return the DAG id of a workflow: the prefix and the workflow id, where Airflow allows it."""
    return airflow_id(f"{conf.dag_id_prefix() if prefix is None else prefix}{workflow_id}")


def build_airflow_dags(
    path: str | Path,
    *,
    beside: str | Path | None = None,
    node_types: str | Path | None = None,
    prefix: str | None = None,
    on_error: str = "warn",
    cache: str | Path | None = None,
    only: Iterable[str] | None = None,
    fused: bool | None = None,
    **dag_options: Any,
) -> dict[str, DAG]:
    """Return the DAGs of the workflows at ``path``, by DAG id.

    On a worker only the one DAG that its task belongs to is built, whatever else lies there.

    :param path: a file, a folder, a ``config/sync`` directory or a zip of one.
    :param beside: the file that a relative ``path`` lies beside, normally ``__file__``.
    :param node_types: folder of the site's node types; by default looked for beside the exports.
    :param prefix: before the workflow id in DAG ids; by default ``[flowdrop] dag_id_prefix``.
    :param on_error: ``warn`` leaves a refused workflow out with a :class:`FlowDropWarning`; ``raise`` raises its error.
    :param cache: folder of kept outlines; by default ``[flowdrop] cache_folder``.
    :param only: workflow ids to build; by default all. Refused workflows beside them are passed over then.
    :param fused: whether workflows that do not say otherwise run fused; by default ``[flowdrop] fused``.
    :param dag_options: passed to every :class:`~airflow.sdk.DAG` (``schedule``, ``default_args``, ``tags`` ...).
    :raises FlowDropError: a workflow is refused and ``on_error`` is ``raise``.
    """
    root = Path(beside).parent / path if beside else Path(path)
    if not root.exists():
        raise ConfigurationError(
            f"There are no exports at {root}.", code="CONF_PATH_MISSING", hint="Correct the path given to build_airflow_dags."
        )
    library = Library(
        root,
        Path(node_types) if node_types else None,
        OutlineCache(Path(cache) if cache else conf.cache_folder()),
        conf.missing_processor(),
        conf.fused() if fused is None else fused,
    )
    chosen = frozenset(only) if only is not None else None
    start = conf.dag_id_prefix() if prefix is None else prefix
    shelves, one = _wanted(library, start), get_parsing_context().dag_id is not None
    retries = conf.lost_worker_retries()
    dags = {}
    for shelf in shelves:
        if shelf.outline is None or shelf.source is None:
            if chosen is None:
                _refused(shelf, on_error)
        elif chosen is None or shelf.outline.workflow_id in chosen:
            # A worker needs no schedule, and should not have to look for one.
            cron = [*shelf.outline.schedules, *library.triggers.get(shelf.outline.workflow_id, ())] if not one else []
            try:
                own = {"schedule": _timetable(shelf.outline, cron)} if cron else {}
                dag = build_dag(shelf.outline, shelf.source, prefix=start, retries=retries, **{**own, **dag_options})
            except Exception as error:  # noqa: BLE001 - whatever it is, see below
                # What Airflow refuses in one workflow must not take the others of this file with it.
                _not_built(shelf, error, on_error if chosen is None else "warn")
                continue
            dags[dag.dag_id] = dag
    return dags


def _timetable(outline: Outline, schedules: list[tuple[str, str]]) -> Any:
    """Return the timetable of cron expressions with their time zone; ``None`` where Airflow could not start a run by itself."""
    from airflow.sdk import CronTriggerTimetable, MultipleCronTriggerTimetable

    if any(declared["required"] and declared["schema"].get("default") is None for declared in outline.params.values()):
        warnings.warn(f"{outline.workflow_id} is not scheduled: it has required inputs.", FlowDropWarning, stacklevel=4)
        return None
    zone = schedules[0][1]
    crons = list(dict.fromkeys(cron for cron, own in schedules if own == zone))
    if any(own != zone for _, own in schedules):
        text = f"{outline.workflow_id} is scheduled in {zone} only: a DAG has one time zone."
        warnings.warn(text, FlowDropWarning, stacklevel=4)
    if outline.jitter is not None:
        from flowdrop_provider.timetables import JitteredCronTimetable

        return JitteredCronTimetable(*crons, timezone=zone, jitter=outline.jitter, salt=outline.workflow_id)
    if len(crons) == 1:
        return CronTriggerTimetable(crons[0], timezone=zone)
    return MultipleCronTriggerTimetable(*crons, timezone=zone)


def _wanted(library: Library, prefix: str) -> Iterable[Shelf]:
    """Return the workflows to build: on a worker the one whose DAG is asked for, else all."""
    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        return library.all()
    guess = [dag_id.removeprefix(prefix)]
    found = library.one(lambda workflow_id: dag_id_of(workflow_id, prefix) == dag_id, guess)
    return [found] if found is not None else library.all()


def _refused(shelf: Shelf, on_error: str) -> None:
    error = shelf.error or FlowDropError("The workflow was refused.", path=str(shelf.path))
    if on_error == "raise":
        raise error
    warnings.warn(str(error), FlowDropWarning, stacklevel=4)


def _not_built(shelf: Shelf, why: Exception, on_error: str) -> None:
    cause = f"{why} {why.__cause__ or ''}".strip()
    message = f"Airflow does not take the workflow: {cause[:500]}"
    _refused(Shelf(shelf.path, error=FlowDropError(message, code="DAG_REFUSED", path=str(shelf.path))), on_error)


def build_dag(outline: Outline, source: PlanSource, *, prefix: str, retries: int = 0, **dag_options: Any) -> DAG:
    """Return the DAG of one workflow: a task per executed node, and ``flowdrop_result`` behind them all.

    :param retries: how often Airflow starts a task without side effects again after its worker died.
    """
    options: dict[str, Any] = {"schedule": None, "catchup": False, "doc_md": _documentation(outline), **dag_options}
    own = [form_text(tag, _MAX_TAG) for tag in outline.tags]
    options["tags"] = ["flowdrop", *own, *_overlap_tags(outline), *options.pop("tags", ())]
    if outline.buffers:
        # A firing that waits for its turn waits in Airflow's own queue.
        options.setdefault("max_active_runs", 1)
    options.setdefault("dag_display_name", form_text(outline.name))
    if outline.params:
        options.setdefault("params", _params(outline))
    with DAG(dag_id_of(outline.workflow_id, prefix), **options) as dag:
        _add_tasks(outline, _bind(outline, source), retries)
    return dag


def _documentation(outline: Outline) -> str | None:
    text = outline.description.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_MAX_DOC]
    # The browser of whoever looks at the DAG would fetch an image from wherever the author says. HTML is passed over.
    text = text.replace("![", "! [")
    # Airflow takes what ends in .md for the name of a file, and shows that file instead.
    return (f"{text}\n" if text.endswith(".md") else text) or None


def _overlap_tags(outline: Outline) -> list[str]:
    """Return the policy of the DAG's clock as a tag: the scheduler has those at hand (``plugins/overlaps.py``)."""
    return [f"overlap:{outline.overlap}"] if outline.overlap else []


def _params(outline: Outline) -> dict[str, Param]:
    return {name: _param(declared) for name, declared in outline.params.items()}


def _param(declared: Mapping[str, Any]) -> Param:
    schema = form_schema(declared["schema"])
    default = declared["schema"].get("default")
    schema |= {key: declared[key] for key in ("title", "description") if declared[key]}
    description = schema.pop("description", None)
    if declared["required"] and default is None:
        # No default at all, so that Airflow's form insists on a value.
        return Param(description=description, schema=schema)
    if "type" in schema and default is None and "null" not in schema["type"]:
        schema["type"] = [*schema["type"], "null"]
    return Param(default, description, schema=schema)


def _bind(outline: Outline, source: PlanSource, group: str = "", *, launched: bool = False) -> FlowBinding:
    node_ids = {f"{group}{task.task_id}": task.node_ids for task in outline.tasks}
    task_ids = {node_id: task_id for task_id, nodes in node_ids.items() for node_id in nodes}
    return FlowBinding(source, task_ids, node_ids, f"{group}{LAUNCH_TASK_ID}" if launched else None)


def _again(retries: int) -> dict[str, Any]:
    """Return how a task without side effects is started again after its worker died."""
    return {"retries": retries, "retry_delay": timedelta(seconds=1)} if retries else {}


def _add_tasks(outline: Outline, binding: FlowBinding, retries: int) -> None:
    """Create the operators of a workflow in the DAG or task group that is open."""
    again = _again(retries)
    operators: dict[str, FlowDropNodeOperator | FlowDropGroupOperator] = {}
    for task in outline.tasks:
        options = again if task.pure else {}
        if task.label != task.task_id:
            options = {**options, "task_display_name": form_text(task.label)}
        kind = FlowDropNodeOperator if task.kind == "node" else FlowDropGroupOperator
        operator = kind(task_id=task.task_id, trigger_rule="all_done", **options)
        operator.binding = binding
        if task.upstream:
            operator.set_upstream([operators[task_id] for task_id in task.upstream])
        operators[task.task_id] = operator
    # The end of a run has no side effects: a worker that dies in it must not fail a run whose nodes all completed.
    result = FlowDropResultOperator(task_id=RESULT_TASK_ID, trigger_rule="all_done", **again)
    result.binding, result.flow = binding, outline.flow
    result.set_upstream(list(operators.values()))


class FlowDropTaskGroup(TaskGroup):
    """A workflow inside somebody's own DAG.

    ::

        with DAG("nightly"):
            greet = FlowDropTaskGroup("greet", "/exports/greeting.json", inputs={"message": "{{ ds }}"})
            prepare() >> greet >> publish()

    Its first task, ``flowdrop_launch``, checks the inputs as every launch does; its last, ``flowdrop_result``, returns the
    outputs and fails when the workflow failed.

    :param group_id: id of the group, unique in the DAG.
    :param path: a file with one workflow, or a folder or zip together with ``workflow_id``.
    :param inputs: values by declared input name; templates and XComs of earlier tasks are rendered.
    :raises FlowDropError: the workflow is refused or not found.
    """

    def __init__(
        self,
        group_id: str,
        path: str | Path,
        *,
        workflow_id: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        node_types: str | Path | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, **kwargs)
        shelf = _single(Library(Path(path), Path(node_types) if node_types else None), workflow_id)
        assert shelf.outline is not None and shelf.source is not None  # noqa: S101, PT018 - _single raised otherwise
        with self:
            binding = _bind(shelf.outline, shelf.source, f"{self.group_id}.", launched=True)
            retries, given = conf.lost_worker_retries(), dict(inputs or {})
            start = FlowDropLaunchOperator(task_id=LAUNCH_TASK_ID, binding=binding, inputs=given, **_again(retries))
            _add_tasks(shelf.outline, binding, retries)
            start.set_downstream([task for task in self.children.values() if task is not start and not task.upstream_task_ids])


def _single(library: Library, workflow_id: str | None) -> Shelf:
    shelves = [
        shelf for shelf in library.all() if workflow_id is None or (shelf.outline and shelf.outline.workflow_id == workflow_id)
    ]
    if len(shelves) != 1:
        raise FlowDropError(
            f"There are {len(shelves)} workflows here, and the task group needs one.",
            code="DOC_AMBIGUOUS",
            path=str(library.path),
            hint="Pass workflow_id; flowdrop validate lists them.",
        )
    if shelves[0].error is not None:
        raise shelves[0].error
    return shelves[0]
