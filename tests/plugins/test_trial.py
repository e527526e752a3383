"""A test message goes by the channels of a rule, once, and what happened is said."""

from __future__ import annotations

import json
import socket

import pytest

from flowdrop_provider.cli import main
from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.plugins.operating.trial import list_rules, try_rule
from tests.plugins.counterparts import Hook, mail_server, smtp_connection

RULES = [
    {
        "id": "ops",
        "workflows": ["flowdrop_shop*"],
        "on": ["failure", "slow"],
        "channels": [
            {"kind": "mail", "to": ["a@example.org", "b@example.org"]},
            {"kind": "webhook", "conn_id": "hook"},
            {"kind": "notifier", "class": "no.such.Notifier", "arguments": {"token": "swordfish"}},
        ],
    }
]


@pytest.fixture(autouse=True)
def rules(monkeypatch):
    monkeypatch.setenv("AIRFLOW__FLOWDROP__NOTICES", json.dumps(RULES))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.example.org")


def test_each_channel_tells_for_itself(monkeypatch):
    hook = Hook()
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", hook.connection())
    with mail_server() as (box, port):
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(port))
        first, again = try_rule("ops"), try_rule("ops")
    hook.server.shutdown()

    assert [(one["kind"], one["to"], one["sent"]) for one in first["channels"]] == [
        ("mail", "a@example.org, b@example.org", True),
        ("webhook", "hook", False),
        ("notifier", "no.such.Notifier", False),
    ]
    assert "503" in first["channels"][1]["error"]
    assert "No module named" in first["channels"][2]["error"]
    assert [one["sent"] for one in again["channels"]] == [True, True, False], "the receiver refuses the first only"
    assert (first["sent"], "swordfish" in json.dumps(first)) == (False, False)
    subject, text = box.texts()[0]
    assert subject == "Test of the FlowDrop rule ops"
    assert "Nothing happened. This rule tells of: failure, slow." in text
    assert json.loads(hook.requests[1][1])["kind"] == "test"


def test_rules_are_listed_without_what_their_channels_are_given():
    (rule,) = list_rules()

    assert (rule["rule"], rule["on"], len(rule["channels"])) == ("ops", ["failure", "slow"], 3)
    assert "swordfish" not in json.dumps(rule)


def test_a_rule_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match=r"There is no rule 'opps'.*There are: ops") as refused:
        try_rule("opps")
    assert refused.value.code == "CONF_NOTICE_UNKNOWN"


def test_the_command_says_what_happened(monkeypatch, capsys):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        rule = {"id": "one", "channels": [{"kind": "mail", "to": "a@example.org"}]}
        monkeypatch.setenv("AIRFLOW__FLOWDROP__NOTICES", json.dumps([rule]))
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp_connection(nobody.getsockname()[1]))
        assert main(["notices", "test", "one"]) == 1
    assert "mail a@example.org: NOT sent: ConnectionRefusedError" in capsys.readouterr().out
    assert main(["notices", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"][0]["rule"] == "one"
