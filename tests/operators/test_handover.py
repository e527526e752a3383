"""What nodes hand on comes back as it was, and says which secrets may be in it."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from flowdrop_provider.engine.redaction import Redactor
from flowdrop_provider.operators import handover
from flowdrop_provider.operators.handover import open_values, seal_values, storable


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    keys = [Fernet.generate_key().decode()]
    monkeypatch.setattr(handover.conf, "seal_keys", lambda: keys)
    monkeypatch.setattr(handover.conf, "large_value_path", lambda: f"file://{tmp_path}/large")
    monkeypatch.setattr(handover.conf, "large_value_bytes", lambda: 1_000)


@pytest.mark.parametrize("size", [1, 2_000], ids=["small", "large"])
def test_a_value_with_a_secret_travels_sealed_and_tells_it(size):
    told: set[str] = set()
    values = {"open": {"z": "x" * size, "a": 1}, "secret": ["hunter22" * size]}
    packed = seal_values(values, Redactor(["hunter22", "unused!!"]))

    assert "hunter22" not in str(packed)
    assert ("stored" in packed["secret"]) == ("stored" in packed["open"]) == (size > 1)
    opened = open_values({"open": packed["open"]}, told.update)
    assert list(opened["open"]) == ["z", "a"], "the order of keys is data"
    assert told == set(), "nothing is told of what holds none"
    assert open_values(packed, told.update) == values
    assert told == {"hunter22", "unused!!"}


def test_a_large_value_lies_nowhere_in_the_open(tmp_path):
    seal_values({"secret": "hunter22" * 2_000}, Redactor(["hunter22"]))
    (file,) = (tmp_path / "large").iterdir()
    assert b"hunter22" not in file.read_bytes()


def test_a_sensitive_name_seals_without_a_secret():
    told: list[str] = []
    packed = seal_values({"password": "abc"}, Redactor())
    assert set(packed["password"]) == {"sealed"}
    assert open_values(packed, told.extend) == {"password": "abc"}
    assert told == []


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ({"\0": ["\0\0", "\\\0", 1]}, {"\ufffd": ["\ufffd\ufffd", "\\\ufffd", 1]}),
        ("\\u0000 as people write it", "\\u0000 as people write it"),
        ("\\\\\\u0000", "\\\\\\u0000"),
    ],
)
def test_what_people_see_has_no_character_that_postgresql_cannot_keep(value, kept):
    assert storable(value) == kept


def test_a_value_handed_on_keeps_its_nul():
    packed = seal_values({"a": "x\0"}, Redactor())
    assert storable(packed) == packed, "it is text within a text"
    assert open_values(packed, lambda _: None) == {"a": "x\0"}
