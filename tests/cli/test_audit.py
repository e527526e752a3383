"""A sealed trail gives every change away."""

from __future__ import annotations

import json

import pytest

from flowdrop_provider.cli import main

EVENTS = [json.dumps({"event": {"action": f"a{number}"}, "user": "ü\u2028"}, ensure_ascii=False) for number in range(4)]


@pytest.fixture
def sealed(tmp_path, capsys):
    source = tmp_path / "events.ndjson"
    source.write_text("\n".join(EVENTS) + "\n", "utf-8")
    assert main(["audit", "seal", str(source)]) == 0
    printed = capsys.readouterr()
    file = tmp_path / "sealed.ndjson"
    file.write_text(printed.out, "utf-8")
    return file, printed.err.strip()


def verdict(file, capsys, *more):
    status = main(["audit", "verify", str(file), "--json", *more])
    return status, json.loads(capsys.readouterr().out)


def test_an_untouched_trail_is_intact(sealed, capsys):
    file, digest = sealed
    assert verdict(file, capsys, "--digest", digest) == (
        0,
        {"intact": True, "lines": 4, "first_changed_line": None, "digest": digest},
    )


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0], lines[1].replace("a1", "a9"), *lines[2:]], 2),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2),
        (lambda lines: [*lines, EVENTS[0]], 5),
    ],
    ids=["changed", "taken away", "exchanged", "added"],
)
def test_the_first_wrong_line_is_named(sealed, capsys, change, line):
    file, _ = sealed
    lines = file.read_text("utf-8").strip("\n").split("\n")
    file.write_text("\n".join(change(lines)), "utf-8")
    status, told = verdict(file, capsys)
    assert (status, told["first_changed_line"]) == (1, line)


def test_a_trail_that_was_cut_or_made_anew_shows_against_its_digest(sealed, capsys):
    file, digest = sealed
    lines = file.read_text("utf-8").strip("\n").split("\n")
    file.write_text("\n".join(lines[:-1]), "utf-8")
    assert verdict(file, capsys)[0] == 0
    assert verdict(file, capsys, "--digest", digest)[0] == 1


def test_what_is_no_trail_is_refused(tmp_path, capsys):
    file = tmp_path / "x"
    file.write_text("no json")
    assert main(["audit", "verify", str(file)]) == 1
    assert "Line 1 is no JSON object" in capsys.readouterr().err
