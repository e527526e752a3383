from __future__ import annotations

import sys

import pytest

from devtools.audit import CLEAN, FOUND, UNKNOWN, audit, main, verdict


@pytest.mark.parametrize(
    ("code", "output", "expected"),
    [
        (0, "No known vulnerabilities found", CLEAN),
        (1, "jinja2 2.0 GHSA-x", FOUND),
        (1, "requests.exceptions.ConnectionError: Max retries exceeded", UNKNOWN),
    ],
)
def test_silence_is_never_a_clean_bill(code, output, expected):
    assert verdict(code, output)[0] == expected


def test_what_it_printed_is_judged(capsys):
    code, text = audit([sys.executable, "-c", "print('ServiceError: nobody there'); raise SystemExit(1)"])

    assert (code, "NOT CHECKED" in text) == (UNKNOWN, True)
    assert "nobody there" in capsys.readouterr().out


def test_without_pip_audit_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    assert main() == UNKNOWN
    assert "NOT CHECKED" in capsys.readouterr().err
