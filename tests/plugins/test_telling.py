"""What a conversation tells of a run, from the run's records alone."""

from __future__ import annotations

from flowdrop_provider.engine.naming import RESULT_TASK_ID
from flowdrop_provider.plugins.api.telling import news_of
from tests.plugins.views import drawing, record, task, value, view

ANSWER = {"message": "Hello, Ada", "format": "text", "timestamp": None}


def told(state, records, nodes, summary=None, **tasks):
    values = [value(item["node_id"], item) for item in records]
    rows = [task(node, tasks.get(node.replace(".", "_"), "success")) for node in nodes]
    if summary is not None:
        rows.append(task(RESULT_TASK_ID))
        values.append(value(RESULT_TASK_ID, summary, key="flowdrop_run"))
    return news_of(view(state, drawing(*nodes), rows, values), {})


def test_news_come_in_the_order_in_which_nodes_ended():
    records = [record("chat_output.1", at=5, output_data=ANSWER), record("a.1", at=1), record("b.1", at=3)]
    news = told("running", records, ["chat_output.1", "a.1", "b.1"])

    assert [(item.role, item.node_id) for item in news] == [
        ("log", "a.1"),
        ("log", "b.1"),
        ("assistant", "chat_output.1"),
        ("log", "chat_output.1"),
    ]
    assert news[2].content == "Hello, Ada"
    assert news[0].content == "a.1 completed in 1000 ms"


def test_a_failure_that_an_error_edge_took_is_a_warning_and_no_end():
    error = {"code": "x", "message": "It broke"}
    news = told("running", [record("a.1", "failed", routed=True, error=error)], ["a.1"])

    assert [(item.role, item.extra["level"], item.content) for item in news] == [("log", "warning", "a.1 failed: It broke")]


def test_a_failed_run_ends_with_its_reason():
    error = {"code": "x", "message": "It broke"}
    news = told("failed", [record("a.1", "failed", error=error)], ["a.1"], {"status": "failed"}, a_1="failed")

    assert (news[-1].source, news[-1].role, news[-1].content) == ("end", "system", "a.1: It broke")


def test_a_workflow_without_a_chat_output_answers_with_its_outputs():
    one = told("success", [record("a.1")], ["a.1"], {"status": "completed", "outputs": {"a.1": {"text": "plain"}}})
    two = told("success", [record("a.1")], ["a.1"], {"status": "completed", "outputs": {"x": 1, "y": 2}})
    spoken = told(
        "success",
        [record("chat_output.1", output_data=ANSWER)],
        ["chat_output.1"],
        {"status": "completed", "outputs": {"chat_output.1": ANSWER}},
    )

    assert one[-1].content == "plain"
    assert two[-1].content == '{\n  "x": 1,\n  "y": 2\n}'
    assert [item.role for item in spoken] == ["assistant", "log"]


def test_a_loop_is_not_told_to_its_last_line():
    records = [record("a.1", at=number / 10, order=number) for number in range(600)]
    news = told("running", records, ["a.1"])

    assert len(news) == 501
    assert "the run view shows all" in news[-1].content
