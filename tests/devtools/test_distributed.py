"""The distributed deployment on paper: what each machine is told, and that the files below ``deploy/`` say the same."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from devtools.distributed import SETTINGS, WORKERS, DistributedAirflow, read_settings
from devtools.settings import flowdrop_bundle

DEPLOY = Path(__file__).parents[2] / "deploy"


def told(home: Path, name: str) -> dict[str, str]:
    """The environment of a service that has not been started; ports and addresses are known at the start only."""
    server = DistributedAirflow(home, [flowdrop_bundle(home / "workflows"), flowdrop_bundle(Path("/elsewhere"), name="other")])
    return dict(server.service_environment(name))


def test_no_two_machines_share_a_folder(tmp_path):
    first, second = (told(tmp_path, name) for name in WORKERS)
    paths = {name for name, value in first.items() if str(tmp_path) in value}

    assert {"AIRFLOW_HOME", "TMPDIR", "AIRFLOW__LOGGING__BASE_LOG_FOLDER"} < paths
    assert not {name for name in paths if first[name] == second[name]}
    bundles = {
        bundle["name"]: bundle["kwargs"]["path"]
        for bundle in json.loads(first["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    }
    assert bundles == {"flowdrop": str(tmp_path / "machines/worker-1/exports/workflows"), "other": "/elsewhere"}


def test_exports_reach_a_machine(tmp_path):
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "flow.json").write_text("{}")
    server = DistributedAirflow(tmp_path, [flowdrop_bundle(tmp_path / "workflows")])
    there = server.machine("worker-2") / "exports/workflows/flow.json"
    server.deploy("worker-2")
    assert there.read_text() == "{}"

    (tmp_path / "workflows" / "flow.json").write_text("[1]")
    server.deploy("worker-2")
    assert there.read_text() == "[1]"
    assert [file.name for file in there.parent.iterdir()] == ["flow.json"]


def test_a_service_is_started_by_its_command(tmp_path):
    server = DistributedAirflow(tmp_path, [])

    assert server.arguments("worker-1") == ("celery", "worker", "--celery-hostname", "worker-1")
    assert server.arguments("scheduler-2") == ("scheduler",)


def test_the_settings_file_is_read_without_its_comments():
    settings = read_settings(SETTINGS)

    assert settings["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert all(name.startswith("AIRFLOW__") and value for name, value in settings.items())


def test_compose_has_every_process_and_takes_the_settings():
    services = yaml.safe_load((DEPLOY / "compose" / "docker-compose.yml").read_text("utf-8"))["services"]
    ours = {name: service for name, service in services.items() if name.startswith("airflow-")}

    assert {service["command"] for service in ours.values()} == {
        "version", "api-server", "scheduler", "dag-processor", "triggerer", "celery worker",
    }  # fmt: skip
    for service in ours.values():
        file = DEPLOY / "compose" / service["env_file"]
        assert file.resolve() == SETTINGS.resolve()
        (bundle,) = json.loads(service["environment"]["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
        assert bundle["kwargs"]["path"] == "/opt/airflow/exports"


def test_helm_values_say_what_the_settings_file_says():
    values = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text("utf-8"))
    settings = read_settings(SETTINGS)
    given = {item["name"]: item["value"] for item in values["env"]}

    assert values["executor"] == settings.pop("AIRFLOW__CORE__EXECUTOR")
    assert {name: given[name] for name in settings} == settings
    assert values["workers"]["celery"]["replicas"] == 2
