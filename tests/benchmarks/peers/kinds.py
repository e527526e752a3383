"""The same DAGs, told to each tool in its own way: ``count`` workflows, each a row of ``length`` tasks.

Every kind but the hand-written one builds from files. The tools run EmptyOperators; ours are FlowDrop nodes with what they
carry (configuration, records, a result task behind them all), which is what a user of each would have.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flows import chain, write

Dags = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One way to make DAGs.

    :ivar name: as it stands in the tables.
    :ivar modules: what a DAG file of this kind imports.
    :ivar prepare: writes the files; gets the folder, how many workflows and how long each is.
    :ivar build: makes all DAGs of a folder.
    :ivar build_one: makes one of them as a worker does, where the tool can.
    :ivar extra_tasks: tasks a DAG has besides its nodes.
    """

    name: str
    modules: str
    prepare: Callable[[Path, int, int], None]
    build: Callable[[Path, int, int], Dags]
    build_one: Callable[[Path, int, int, int], Dags] | None = None
    extra_tasks: int = 0

    def one(self, folder: Path, count: int, length: int, number: int) -> Dags:
        """Make what a worker needs to run one task: all DAGs, where the tool knows no better."""
        if self.build_one is None:
            return self.build(folder, count, length)
        return self.build_one(folder, count, length, number)


def _nothing(folder: Path, count: int, length: int) -> None:
    return None


def _by_hand(folder: Path, count: int, length: int) -> Dags:
    return dict(_hand(number, length) for number in range(count))


def _by_hand_one(folder: Path, count: int, length: int, number: int) -> Dags:
    return dict([_hand(number, length)])


def _hand(number: int, length: int) -> tuple[str, Any]:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG

    with DAG(f"wf_{number}", schedule=None, catchup=False) as dag:
        tasks = [EmptyOperator(task_id=f"t{index}") for index in range(length)]
        for before, after in itertools.pairwise(tasks):
            before >> after
    return dag.dag_id, dag


def _exports(folder: Path, count: int, length: int) -> None:
    write(folder, *(chain(f"wf_{number}", length) for number in range(count)))


def _ours(folder: Path, count: int, length: int) -> Dags:
    from flowdrop_provider.dag_factory import build_airflow_dags

    return build_airflow_dags(folder, cache=folder.parent / "outlines")


def _ours_first(folder: Path, count: int, length: int) -> Dags:
    import tempfile

    from flowdrop_provider.dag_factory import build_airflow_dags

    return build_airflow_dags(folder, cache=Path(tempfile.mkdtemp(dir=folder.parent)))


def _as_on_a_worker(number: int) -> None:
    """Say what Airflow's task runner says before it loads the DAG file. Each measurement is a process of its own."""
    from airflow.sdk.definitions.context import AirflowParsingContext

    from flowdrop_provider import dag_factory

    dag_factory.get_parsing_context = lambda: AirflowParsingContext(f"flowdrop_wf_{number}", None)


def _ours_one(folder: Path, count: int, length: int, number: int) -> Dags:
    _as_on_a_worker(number)
    return _ours(folder, count, length)


def _ours_one_first(folder: Path, count: int, length: int, number: int) -> Dags:
    _as_on_a_worker(number)
    return _ours_first(folder, count, length)


_EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"


def _factory_files(folder: Path, count: int, length: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        lines = [f"wf_{number}:", "  schedule: null", "  default_args:", "    start_date: 2026-01-01", "  tasks:"]
        for index in range(length):
            lines += [f"    - task_id: t{index}", f"      operator: {_EMPTY}"]
            lines += [f"      dependencies: [t{index - 1}]"] if index else []
        (folder / f"wf_{number}.yml").write_text("\n".join(lines) + "\n")


def _factory(folder: Path, count: int, length: int) -> Dags:
    from airflow.sdk import DAG
    from dagfactory import load_yaml_dags

    found: Dags = {}
    load_yaml_dags(globals_dict=found, dags_folder=str(folder), defaults_config_path=str(folder))
    return {name: dag for name, dag in found.items() if isinstance(dag, DAG)}


_BLUEPRINT = """from airflow.providers.standard.operators.empty import EmptyOperator
from blueprint import BaseModel, Blueprint


class PlainConfig(BaseModel):
    note: str = ""


class Plain(Blueprint[PlainConfig]):
    def render(self, config):
        return EmptyOperator(task_id=self.step_id)
"""


def _blueprint_files(folder: Path, count: int, length: int) -> None:
    folder.mkdir(parents=True)
    (folder / "plain_blueprints.py").write_text(_BLUEPRINT)
    for number in range(count):
        lines = [f"dag_id: wf_{number}", "steps:"]
        for index in range(length):
            lines += [f"  t{index}:", "    blueprint: plain"]
            lines += [f"    depends_on: [t{index - 1}]"] if index else []
        (folder / f"wf_{number}.dag.yaml").write_text("\n".join(lines) + "\n")


def _blueprint(folder: Path, count: int, length: int) -> Dags:
    from blueprint import build_all_airflow_dags

    return {dag.dag_id: dag for dag in build_all_airflow_dags(search_path=folder, register_globals={})}


def _gusty_files(folder: Path, count: int, length: int) -> None:
    for number in range(count):
        place = folder / f"wf_{number}"
        place.mkdir(parents=True)
        (place / "METADATA.yml").write_text("schedule: null\n")
        for index in range(length):
            text = f"operator: {_EMPTY}\n"
            text += f"dependencies: [t{index - 1}]\n" if index else ""
            (place / f"t{index}.yml").write_text(text)


def _gusty(folder: Path, count: int, length: int, only: str | None = None) -> Dags:
    from gusty import create_dags

    found: Dags = {}
    chosen = {} if only is None else {"current_dag_id": only}
    create_dags(str(folder), found, concurrent=False, latest_only=False, **chosen)
    return {name: dag for name, dag in found.items() if hasattr(dag, "dag_id")}


def _gusty_one(folder: Path, count: int, length: int, number: int) -> Dags:
    return _gusty(folder, count, length, f"wf_{number}")


BY_HAND = "by hand with airflow.sdk"
OURS = "FlowDrop on Airflow"

KINDS = (
    Kind(BY_HAND, "airflow.providers.standard.operators.empty", _nothing, _by_hand, _by_hand_one),
    Kind(OURS, "flowdrop_provider.dag_factory", _exports, _ours, _ours_one, extra_tasks=1),
    Kind(f"{OURS}, never seen before", "flowdrop_provider.dag_factory", _exports, _ours_first, _ours_one_first, extra_tasks=1),
    Kind("dag-factory 1.1.0", "dagfactory", _factory_files, _factory),
    Kind("airflow-blueprint 0.5.0", "blueprint", _blueprint_files, _blueprint),
    Kind("gusty 0.23.1", "gusty", _gusty_files, _gusty, _gusty_one),
)
