from __future__ import annotations

import csv
import hashlib
import io
import json

from flowdrop_provider.plugins.api.exporting import CSV_COLUMNS, MAX_EXPORTED, as_csv, as_ndjson, canonical, run_bundle
from tests.plugins.views import drawing, record, task, value, view


def one_page(*rows):
    return lambda _cursor: (list(rows), None)


def test_a_bundle_can_be_verified_part_by_part():
    found = json.loads(json.dumps(run_bundle(view("success", drawing("a.1"), [task("a.1")], [value("a.1", record("a.1"))]))))

    assert set(found["hashes"]) == {"run", "drawing", "jobs", "summary"}
    for name, digest in found["hashes"].items():
        assert hashlib.sha256(canonical(found[name])).hexdigest() == digest
    assert hashlib.sha256(canonical(found["hashes"])).hexdigest() == found["digest"]
    assert found["jobs"][0]["output_data"] == {"out": "a.1"}


def test_one_object_a_line_page_after_page():
    pages = {None: ([{"n": 1}, {"n": 2}], "next"), "next": ([{"n": "zwei\n"}], None)}

    assert [json.loads(line) for line in as_ndjson(pages.__getitem__)] == [{"n": 1}, {"n": 2}, {"n": "zwei\n"}]


def test_an_export_ends_and_says_where_to_go_on():
    lines = list(as_ndjson(lambda _cursor: ([{"n": 0}] * 1_000, "more")))

    assert len(lines) == MAX_EXPORTED + 1
    assert json.loads(lines[-1]) == {"next_cursor": "more"}


def test_a_spreadsheet_runs_nothing_of_what_it_opens():
    row = {
        "node_id": "=cmd()",
        "label": 'say "hi", then\nleave',
        "status": "failed",
        "error": {"code": "-1", "message": "@SUM(1)"},
    }
    header, cells = csv.reader(io.StringIO("".join(as_csv(one_page(row)))))

    assert tuple(header) == CSV_COLUMNS
    found = dict(zip(header, cells, strict=True))
    assert found["node_id"] == "'=cmd()"
    assert found["error_code"] == "'-1"
    assert found["error_message"] == "'@SUM(1)"
    assert found["label"] == 'say "hi", then\nleave'
    assert found["started"] == ""
