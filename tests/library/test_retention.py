"""What is kept how long, and what stays of a record whose values are forgotten."""

from __future__ import annotations

import pytest

from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.library.retention import (
    Retention,
    forgotten_conf,
    forgotten_record,
    forgotten_summary,
    read_retention,
)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"rules": []},
        {"runs": {}},
        {"runs": [5]},
        {"runs": [{"values": 3}]},
        {"runs": [{"values_days": "3"}]},
        {"runs": [{"values_days": -1}]},
        {"runs": [{"values_runs": True}]},
        {"runs": [{"workflows": "flowdrop_*"}]},
        {"runs": [{"states": ["running"]}]},
        {"snapshots_days": "1"},
    ],
)
def test_a_wrong_retention_is_refused(value):
    with pytest.raises(ConfigurationError) as refused:
        read_retention(value)
    assert refused.value.code == "CONF_RETENTION"


def test_the_first_rule_that_fits_counts():
    found = read_retention(
        {
            "runs": [
                {"workflows": ["flowdrop_audit*"]},
                {"states": ["failed"], "values_days": 90},
                {"values_days": 30, "values_runs": 100, "records_days": 365},
            ],
            "notices_days": 7.5,
        }
    )

    assert found.rule("flowdrop_audit_2", "failed").values_days == 0, "a rule without bounds keeps everything"
    assert found.rule("flowdrop_shop", "failed").values_days == 90
    assert (found.rule("flowdrop_shop", "success").values_runs, found.notices_days) == (100, 7.5)
    assert read_retention({}) == Retention()
    assert read_retention({"runs": [{"states": ["failed"]}]}).rule("flowdrop_shop", "success") is None


RECORD = {
    "node_id": "a.1",
    "status": "failed",
    "input_data": {"who": "Ada"},
    "output_data": {},
    "error": {"code": "http_error"},
    "truncated": {"input_data.who": 90_000, "output_data": 70, "error.message": 5},
}


def test_a_record_without_values_says_how_large_they_were():
    left = forgotten_record(RECORD)

    assert (left["input_data"], left["output_data"]) == ({}, {})
    assert left["truncated"] == {"input_data": 90_000, "output_data": 70, "error.message": 5}
    assert {name: left[name] for name in ("node_id", "status", "error")} == {
        name: RECORD[name] for name in ("node_id", "status", "error")
    }
    assert forgotten_record(left) == left
    assert forgotten_record({"input_data": {"a": 1}, "output_data": {}})["truncated"] == {"input_data": 8}
    assert RECORD["input_data"] == {"who": "Ada"}, "what was given is not changed"


def test_a_summary_keeps_how_the_run_ended():
    left = forgotten_summary({"status": "completed", "outputs": {"a": "Ada"}, "error": None})

    assert left == {"status": "completed", "outputs": {}, "error": None, "truncated": {"outputs": 12}}


def test_a_conf_keeps_where_a_run_came_from():
    own = {"source": "event", "rerun_of": "x", "initial_data": {"a": {"b": "Ada"}}, "reuse": {"sealed": "Ada"}}
    left = forgotten_conf({"words": "Ada", "flowdrop": own})

    assert left == {"flowdrop": {"source": "event", "rerun_of": "x", "forgotten": True}}
    assert forgotten_conf(left) == left
    assert forgotten_conf({"flowdrop": {"source": "api"}}) == {"flowdrop": {"source": "api"}}, "nothing was there to forget"
    assert (forgotten_conf(None), forgotten_conf({})) == (None, {})
