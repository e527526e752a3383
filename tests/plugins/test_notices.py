"""Which notices there are, that each is written once, and how they go out."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.plugins.notices import book, channels
from flowdrop_provider.plugins.notices.book import About
from flowdrop_provider.plugins.notices.rules import KINDS, Rule, Seen, kinds_of_run, rate_kind, read_rules, slow_limit
from flowdrop_provider.tables.models import Base, Notice, utc_now
from tests.plugins.counterparts import mail_server, smtp_connection

HOOK = {"kind": "webhook", "conn_id": "hook"}
EVERY = Rule("all", (HOOK,), on=KINDS)
BODY = {
    "id": "notice-1",
    "kind": "failure",
    "subject": "flowdrop_shop failed",
    "dag_id": "flowdrop_shop",
    "run_id": "run-1",
    "detail": "",
    "link": "http://airflow/x",
    "error": {"node_id": "a.1", "message": "<503>", "code": "http_error"},
}
ABOUT = About("failure", "flowdrop_shop", "run-1", "run-1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("completed", ["success"]), ("completed_with_warnings", ["warnings"]), ("failed", ["failure"]), ("paused", ["waiting"])],
)
def test_a_run_is_told_by_its_status(status, kind):
    assert list(kinds_of_run(EVERY, Seen(status, True, 1), None)) == kind
    assert list(kinds_of_run(EVERY, Seen("cancelled", True, 1), None)) == []


def test_a_run_is_slow_while_it_runs():
    rule = Rule("r", (HOOK,), on=("slow",), slow_seconds=60, slow_factor=2)
    assert slow_limit(rule, [10, 10, 10, 10]) == 60, "four runs say nothing about what is usual"
    assert slow_limit(rule, [10, 10, 10, 10, 500]) == 20
    assert slow_limit(EVERY, [10] * 20) is None
    assert list(kinds_of_run(rule, Seen("running", False, 21), 20)) == ["slow"]
    assert list(kinds_of_run(rule, Seen("running", False, 19), 20)) == []


def test_an_error_rate_is_told_when_it_rises_and_when_it_has_fallen():
    told, last = [], None
    for failed, ended in [(1, 4), (2, 5), (3, 5), (5, 6), (3, 9), (1, 9)]:
        kind = rate_kind(EVERY, failed, ended, last)
        last = kind or last
        told.append(kind)
    assert told == [None, None, "error_rate", None, "recovered", None]


def test_a_run_that_works_again_is_told():
    rule = Rule("r", (HOOK,), on=("recovered",))
    assert [list(kinds_of_run(rule, Seen("completed", True, 1, before), None)) for before in (None, True, False)] == [
        [],
        [],
        ["recovered"],
    ]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [{}],
        [{"channels": [{"kind": "pigeon"}]}],
        [{"channels": [HOOK], "on": ["fun"]}],
        [{"channels": [HOOK], "x": 1}],
        [{"channels": [HOOK], "slow_seconds": "1"}],
    ],
)
def test_a_wrong_rule_is_refused(value):
    with pytest.raises(ConfigurationError) as refused:
        read_rules(value)
    assert refused.value.code == "CONF_NOTICES"


def test_rules_say_which_workflows_they_are_for():
    (rule,) = read_rules([{"workflows": ["flowdrop_shop*"], "channels": [HOOK]}])
    assert (rule.concerns("flowdrop_shop_2"), rule.concerns("flowdrop_x"), rule.on) == (True, False, ("failure",))


@pytest.fixture
def opened():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)

    @contextlib.contextmanager
    def open_session():
        with Session(engine) as session:
            yield session
            session.commit()

    return open_session


def rows(opened):
    with opened() as session:
        return [(row.status, row.attempts) for row in session.scalars(select(Notice).order_by(Notice.number))]


def due_again(opened):
    with opened() as session:
        for row in session.scalars(select(Notice)):
            row.next_attempt_at = utc_now() - dt.timedelta(seconds=1)


def test_a_notice_is_written_and_sent_once(opened):
    sent = []
    for _ in range(3):
        with opened() as session:
            book.write(session, EVERY, ABOUT, BODY)
        book.send_due(opened, lambda channel, body: sent.append((channel["conn_id"], body["id"])))
    assert sent == [("hook", "notice-1")]
    assert rows(opened) == [("sent", 1)]


def test_what_cannot_be_sent_is_tried_again_and_then_given_up(opened):
    def broken(channel, body):
        raise ConnectionError("away")

    with opened() as session:
        book.write(session, EVERY, ABOUT, BODY)
    assert book.send_due(opened, broken)["retried"] == 1
    assert book.send_due(opened, broken) == {"sent": 0, "retried": 0, "dead": 0}, "not before its time"
    for _ in range(book.ATTEMPTS - 1):
        due_again(opened)
        book.send_due(opened, broken)
    assert rows(opened) == [("dead", book.ATTEMPTS)]
    with opened() as session:
        assert session.scalar(select(Notice.last_error)) == "ConnectionError: away"


def test_a_throttled_rule_tells_one_in_its_time(opened):
    rule = Rule("r", (HOOK,), throttle_minutes=10)
    with opened() as session:
        new = [book.write(session, rule, About("failure", "flowdrop_shop", run, run), BODY) for run in ("run-1", "run-2")]
    assert new == [1, 0]
    assert [status for status, _ in rows(opened)] == ["waiting", "throttled"]


def test_a_mail_says_what_failed_and_where_to_look(monkeypatch):
    with mail_server() as (box, port):
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", smtp_connection(port))
        channels.send({"kind": "mail", "conn_id": "mail", "to": ["ops@example.org"]}, BODY)
    ((subject, text),) = box.texts()
    assert (subject, box.mails[0]["To"]) == ("flowdrop_shop failed", "ops@example.org")
    assert "Node a.1: &lt;503&gt; [http_error]" in text
    assert "http://airflow/x" in text


def test_a_notifier_is_called_by_its_class_path():
    Recorded.told.clear()
    channel = {"kind": "notifier", "class": f"{__name__}.Recorded", "arguments": {"text": "{subject}: {link}"}}
    channels.send(channel, BODY)
    assert Recorded.told == [("flowdrop_shop failed: http://airflow/x", "failure")]


class Recorded:
    told: list[tuple[str, str]] = []

    def __init__(self, text):
        self.text = text

    def notify(self, context):
        self.told.append((self.text, context["flowdrop"]["kind"]))
