"""Commands about a deployment, as far as they go without one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flowdrop_provider.cli import deployment, main
from flowdrop_provider.errors import ConfigurationError

PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] == "airflow":
            raise ModuleNotFoundError("No module named 'airflow'", name="airflow")

sys.meta_path.insert(0, Absent())
from flowdrop_provider.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_airflow_the_command_says_so():
    done = subprocess.run([sys.executable, "-c", PROGRAM, "doctor", "--json"], capture_output=True, text=True, timeout=60)

    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "CONF_NO_AIRFLOW")


def test_another_missing_module_is_not_mistaken_for_airflow(monkeypatch):
    with pytest.raises(ModuleNotFoundError):
        deployment.call("nothing_of_this_name", "x")


def doctor(*checks):
    """Stand in for a deployment with these verdicts."""
    told = [dict(zip(("id", "level", "title", "found", "advice"), check, strict=True)) for check in checks]
    counts = {level: sum(check["level"] == level for check in told) for level in ("ok", "unknown", "warning", "error")}
    return lambda module, function, *, connect: {"counts": counts, "connected": connect, "checks": told}


def test_a_warning_is_told_and_only_an_error_counts(monkeypatch, capsys):
    warning = ("metrics.on", "warning", "Metrics", "off", "Set it.")
    fine = ("clock.database", "ok", "Clock", "0.1 s", "")
    monkeypatch.setattr(deployment, "call", doctor(fine, warning))
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == (
        "WARNING Metrics: off [metrics.on]\n        Set it.\n1 fine, 1 warnings, 0 errors, 0 unknown.\n"
    )
    assert main(["doctor", "--all"]) == 0
    assert "ok      Clock: 0.1 s [clock.database]" in capsys.readouterr().out

    monkeypatch.setattr(deployment, "call", doctor(("a", "error", "A", "b", "c")))
    assert main(["doctor", "--json", "--connect"]) == 1
    assert json.loads(capsys.readouterr().out)["connected"] is True


def test_a_refusal_of_the_deployment_is_printed_as_any_other(monkeypatch, capsys):
    def refuse(module, function, **arguments):
        raise ConfigurationError("No.", code="CONF_NO_AIRFLOW")

    monkeypatch.setattr(deployment, "call", refuse)
    assert main(["doctor"]) == 1
    assert "CONF_NO_AIRFLOW" in capsys.readouterr().err


NUMBERS = {
    "values": {"runs": 2, "records": 7, "handed_over": 5, "stored": 1},
    "records": {"runs": 1, "records": 3},
    "held": 1,
    "tables": {"conversations": 0, "notices": 4},
}


def test_bounds_on_the_command_line_stand_in_for_the_setting(monkeypatch, capsys):
    asked = []

    def prune_here(module, function, **arguments):
        asked.append((module, function, arguments))
        return {"dry_run": arguments["dry_run"], **NUMBERS}

    monkeypatch.setattr(deployment, "call", prune_here)
    assert main(["prune", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dry_run": False, **NUMBERS}
    assert main(["prune", "--dry-run", "--workflows", "flowdrop_a*", "--values-days", "30", "--notices-days", "7"]) == 0

    assert asked[0] == ("pruning", "prune_here", {"dry_run": False, "retention": None})
    rule = {"workflows": ["flowdrop_a*"], "values_days": 30.0}
    assert asked[1][2] == {"dry_run": True, "retention": {"runs": [rule], "notices_days": 7.0}}
    text = capsys.readouterr().out
    assert text.startswith("Would have forgotten: input and output of 2 runs (7 records, 5 values")
    assert text.endswith("1 runs are held. 0 conversations, 4 notices.\n")
