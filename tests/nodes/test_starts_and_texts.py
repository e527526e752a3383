"""Triggers, date and time, texts, notes, ECA and FlowDrop's test nodes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from flowdrop_provider.engine.process import process_node
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.registry import get_processor, shipped_catalogue
from flowdrop_provider.nodes.world import World

MOMENT = dt.datetime(2024, 12, 29, 23, 5, 9, 123456, tzinfo=dt.timezone.utc)


def at(moment: dt.datetime = MOMENT) -> World:
    return World(now=lambda: moment)


@pytest.mark.rule("OCX-1")
def test_a_trigger_emits_its_whole_initial_data() -> None:
    data = {"payload": {"a": 1}, "user": "u", "trigger_config_id": "t"}
    outputs = process_node("trigger", {}, {}, initial_data=data)
    assert outputs["data"] == data
    assert outputs.get("user", "u") == "u"


def test_first_generation_triggers_take_the_initial_data() -> None:
    outputs = process_node("manual_trigger", {"triggerData": {"x": 0}}, {}, initial_data={"a": 1})
    assert outputs["trigger_data"] == {"a": 1, "manual_execution": True, "execution_source": "manual", "user_initiated": True}
    event = process_node("event_trigger", {}, {"severity": "error", "other": 1}, world=at())["trigger_data"]
    assert (event["severity"], event["timestamp"], "other" in event) == ("error", int(MOMENT.timestamp()), False)
    eca = process_node("eca_trigger", {}, {"eca_event": "e"})["trigger_data"]
    assert (eca["eca_event"], eca["execution_source"]) == ("e", "eca")
    assert process_node("scheduled_trigger", {}, {}, world=at())["trigger_data"]["week_of_year"] == 52


def test_triggers_start_a_run() -> None:
    for name in ("trigger", "manual_trigger", "scheduled_trigger", "webhook_trigger", "event_trigger", "eca_trigger"):
        node_type = shipped_catalogue().get(name)
        assert node_type is not None
        assert node_type.start


def date(pattern: str, zone: str = "UTC", moment: dt.datetime = MOMENT) -> Any:
    return process_node("date_time", {"format": pattern, "timezone": zone}, world=at(moment))["datetime"]


@pytest.mark.parametrize(
    ("pattern", "zone", "expected"),
    [
        ("D jS M y, N w z W o", "UTC", "Sun 29th Dec 24, 7 0 363 52 2024"),
        ("Y-m-d H:i:s.u v", "UTC", "2024-12-29 23:05:09.123456 123"),
        ("g:iA G h", "Asia/Kolkata", "4:35AM 4 04"),
        ("o-W", "Asia/Tokyo", "2025-01"),
        ("e T P p O Z I", "-03:30", "-03:30 GMT-0330 -03:30 -03:30 -0330 -12600 0"),
        ("e T P I", "pdt", "PDT PDT -07:00 1"),
        ("T I", "Europe/London", "GMT 0"),
        ("p", "UTC", "Z"),
        ("t L F l", "UTC", "31 1 December Sunday"),
        ("r", "UTC", "Sun, 29 Dec 2024 23:05:09 +0000"),
        ("\\D\\\\D", "UTC", "D\\Sun"),
        ("B", "UTC", "003"),
    ],
)
def test_date_letters(pattern: str, zone: str, expected: str) -> None:
    assert date(pattern, zone) == expected


@pytest.mark.parametrize(
    ("day", "suffix"), [(1, "st"), (2, "nd"), (3, "rd"), (11, "th"), (12, "th"), (13, "th"), (21, "st"), (22, "nd")]
)
def test_ordinal_suffixes(day: int, suffix: str) -> None:
    assert date("S", moment=MOMENT.replace(day=day)) == suffix


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "+25:00", "/etc/localtime", "", "+"])
def test_unknown_time_zones_are_errors(zone: str) -> None:
    with pytest.raises(NodeError) as caught:
        date("Y", zone)
    assert caught.value.code == "invalid_timezone"


def test_texts() -> None:
    assert process_node("text_input", {"defaultValue": "d"}, {"data": None}) == {"text": "d"}
    assert process_node("text_output", {"maxLength": 4}, {"text": "ééé"}) == {"output": "éé...", "length": 7}
    assert process_node("text_output", {}, {"x": {"a": [1]}})["output"] == '{"a":[1]}'
    assert process_node("chat_output", {"showTimestamp": True}, {"message": "m"}, world=at())["timestamp"] == 1735513509
    turn = process_node("chat_input", {}, {"message": "m"}, initial_data={"sessionId": "s", "message": "other"})
    assert turn == {"message": "m", "history": None, "sessionId": "s", "messageId": None}


@pytest.mark.rule("CFG-7")
def test_a_delivered_null_wins_over_the_configured_message() -> None:
    assert process_node("chat_output", {"message": "cfg"}, {"message": None})["message"] == ""


def test_documentation_nodes() -> None:
    note, idea = shipped_catalogue().get("notes"), shipped_catalogue().get("idea")
    assert note is not None
    assert idea is not None
    assert (note.executable, idea.executable) == (False, True)
    processor = get_processor("flowdrop_node_processor:note")
    assert processor is not None
    assert processor.id == "note"


def condition(kind: str, config: dict[str, Any], **inputs: Any) -> bool:
    outputs = process_node("eca_condition", {"conditionType": kind, "conditionConfig": config}, inputs)
    return bool(outputs["condition_result"])


def test_eca_conditions() -> None:
    assert condition("entity_has_field", {"field_name": "title"}, entity={"title": None})
    assert condition(
        "entity_field_value", {"field_name": "n", "expected_value": "ab", "operator": "contains"}, entity={"n": "cabd"}
    )
    assert condition("user_has_role", {"role": "editor"}, user={"roles": ["editor"]})
    assert condition("entity_is_published", {}, entity={"status": 1})
    assert not condition("entity_is_published", {}, entity={"status": "1"})
    assert condition("string_equals", {"value1": "A", "value2": "a", "case_sensitive": False})
    assert condition("number_less_than", {"value1": "1", "value2": 2})
    assert condition("list_contains", {"list": [1, 2], "item": "2"})
    assert not condition("unheard_of", {})
    assert process_node("eca_action", {"actionType": "send_email"})["success"] is True


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("uppercase", "aé", "Aé"),
        ("reverse", "abc", "cba"),
        ("count_words", "it's a-b 2c", "3"),
        ("capitalize", "a bc", "A Bc"),
        ("trim", " x ", "x"),
        ("none", "x", "x"),
    ],
)
def test_transform_node(kind: str, text: str, expected: str) -> None:
    config = {"transformation_type": kind, "prefix": "<", "suffix": ">"}
    assert process_node("test_transform", config, {"data": text})["transformed_data"] == f"<{expected}>"


def test_start_and_logger_nodes() -> None:
    assert process_node("test_start", {}, {})["data"] == "Hello from Start Node!"
    assert process_node("test_logger", {"log_level": "warning"}, {"data": [1]})["log_level"] == "warning"
