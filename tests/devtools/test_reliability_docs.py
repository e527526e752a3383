from __future__ import annotations

import json

from devtools.reliability_docs import END, PAGE, START, faults_table, newest, with_table

LINE = {
    "fault": "flood", "title": "water in the cellar", "sees": "Nothing.", "runs": 3, "right": 3,
    "ends": {"completed": 2, "failed (worker_lost)": 1}, "effects": 5, "repeated": 0, "attempts": 6, "lost": 0, "seconds": 20,
    "at": "2026-11-28T10:00:00+00:00",
}  # fmt: skip


def test_the_newest_line_of_a_fault_counts():
    lines = [json.dumps({**LINE, "runs": 1}), json.dumps({**LINE, "fault": "fire"}), json.dumps(LINE)]

    assert [(row["fault"], row["runs"]) for row in newest(lines)] == [("flood", 3), ("fire", 3)]


def test_the_table_adds_up():
    table = faults_table([LINE, {**LINE, "fault": "fire", "at": "2026-11-29T10:00:00+00:00"}])

    assert "| water in the cellar | Nothing. | 3 | 3 | 2 completed, 1 failed (`worker_lost`) | 5 | 6 | 0 | 0 | 20 |" in table
    assert "2 faults, 6 runs, 6 ended right, 10 side effects, 12 attempts recorded, 0 repeated, 0 lost." in table
    assert "Measured 2026-11-28 to 2026-11-29" in table


def test_a_page_is_renewed_between_its_marks():
    page = with_table(f"before\n{START}\nold\n{END}\nafter", [LINE])

    assert page.startswith(f"before\n{START}\n")
    assert page.endswith(f"{END}\nafter")
    assert "old" not in page
    assert with_table(page, [LINE]) == page


def test_the_page_shows_no_run_that_ended_wrong():
    text = PAGE.read_text("utf-8")
    rows = [line.split(" | ") for line in text.partition(START)[2].partition(END)[0].splitlines() if line.startswith("| ")][1:]

    assert rows
    assert [row[0] for row in rows if row[2] != row[3]] == []
