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


@pytest.mark.parametrize(
    ("processor", "names"),
    [
        ("logger", ("level", "channel")),
        ("messenger", ("type",)),
        ("json_to_data", ("parse_mode", "json")),
        ("text_processor", ("operation", "text")),
        ("html_to_markdown", ("heading_style", "bold_style", "italic_style", "html")),
        ("markdown_to_html", ("strip_h1", "text")),
        ("merge", ("output_mode", "dynamicInputs")),
        ("message_assemble", ("dynamicInputs",)),
        ("data_mapper", ("dynamicInputs", "dynamicOutputs")),
        ("data_extractor", ("path", "extract_all", "data")),
        ("data_shaper", ("mapping", "schema", "validationMode", "data")),
        ("prompt_template", ("template", "dynamicInputs")),
        ("get_workflow_data", ("path",)),
    ],
)
def test_an_explicit_null_counts_as_not_set(run_node, processor, names):
    ports = {name: None for name in names if name in ("data", "html", "json", "operation", "text")}
    assert run_node(processor, dict.fromkeys(names), ports) == run_node(processor)
