"""The page and everything below ``deploy/`` know the metrics there are, and no others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from devtools.metrics_docs import PAGE, with_table
from flowdrop_provider.library.metrics import METRICS

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = {name.replace(".", "_"): metric for name, metric in METRICS.items()}


def expressions(text):
    """Every series of ours in a PromQL text, as (metric, suffix, labels)."""
    for name, labels in re.findall(r"(flowdrop_[a-z_]+)(?:\{([^}]*)\})?", text):
        base = re.sub(r"_(total|sum|count|bucket)$", "", name.replace("_seconds", ""))
        yield base, name, set(re.findall(r"([a-z_]+)=", labels))


def check(text):
    found = list(expressions(text))
    for base, name, labels in found:
        metric = PROMETHEUS[base]
        assert labels <= {*metric.tags, "le"}, name
        assert ("_seconds_" in name) == (metric.kind == "timer"), name
        assert name.endswith("_total") == (metric.kind == "counter"), name
    return {base for base, _, _ in found}


def test_the_page_shows_the_metrics_as_they_are():
    text = PAGE.read_text("utf-8")

    assert with_table(text) == text, "run python -m devtools.metrics_docs"


def test_the_mapping_has_every_metric():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "statsd_mapping.yml").read_text("utf-8"))["mappings"]
    kinds = {rule["name"]: rule.get("match_metric_type") for rule in rules}

    assert kinds == {
        name + ("_seconds" if metric.kind == "timer" else "_total"): "observer" if metric.kind == "timer" else "counter"
        for name, metric in PROMETHEUS.items()
    }
    assert {rule["match"] for rule in rules} == {f"airflow.{name}" for name in METRICS}


def test_alerts_ask_for_metrics_that_exist():
    groups = yaml.safe_load((DEPLOY / "prometheus" / "flowdrop_rules.yml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules if "alert" in rule)
    assert "flowdrop_run_finished" in check("\n".join(rule["expr"] for rule in rules))


@pytest.fixture
def promtool():
    """Run Prometheus' own checker; its Debian package is ``prometheus``."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")

    def run(*arguments):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


def test_prometheus_takes_the_rules(promtool, tmp_path):
    status, told = promtool("check", "rules", DEPLOY / "prometheus" / "flowdrop_rules.yml")
    assert (status, "SUCCESS" in told) == (0, True), told

    broken = tmp_path / "broken.yml"
    broken.write_text((DEPLOY / "prometheus" / "flowdrop_rules.yml").read_text("utf-8").replace("sum by", "sum bye"), "utf-8")
    assert promtool("check", "rules", broken)[0] != 0, "the checker does check"


def test_the_alerts_fire_when_they_should(promtool):
    status, told = promtool("test", "rules", Path(__file__).with_name("flowdrop_rules_test.yml"))

    assert status == 0, told


def test_the_dashboard_asks_for_metrics_that_exist():
    board = json.loads((DEPLOY / "grafana" / "flowdrop.json").read_text("utf-8"))
    asked = check("\n".join(target["expr"] for panel in board["panels"] for target in panel["targets"]))

    assert asked == set(PROMETHEUS)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
