import logging

import pytest

from flowdrop_provider.nodes.world import World


@pytest.mark.parametrize(("level", "number"), [("debug", 10), ("notice", 20), ("warning", 30), ("emergency", 50)])
def test_logger_writes_to_the_task_log(run_node, caplog, level, number):
    with caplog.at_level(logging.DEBUG):
        found = run_node("logger", {"level": level, "channel": "shop"}, {"message": {"a": 1}})
    assert found == {"message": {"a": 1}, "level": level, "channel": "shop", "logged": True}
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(number, "[shop] {'a': 1}")]


def test_a_message_cannot_forge_log_lines(run_node, caplog):
    with caplog.at_level(logging.DEBUG):
        run_node("logger", {}, {"message": "a\r\nERROR fake %s " + "x" * 20_000})
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 11_000


def test_messenger_degrades_to_the_log(run_node, caplog):
    with caplog.at_level(logging.INFO):
        found = run_node("messenger", {"type": "error"}, {"message": "Oops"}, world=World())
    assert found == {"message": "Oops", "type": "error", "displayed": False}
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", "Oops")]
