"""The token of a callback address names one wait, and nobody without the key can make another."""

from __future__ import annotations

import pytest

from flowdrop_provider.errors import ConfigurationError
from flowdrop_provider.library.callbacks import open_token, sign_token


@pytest.mark.rule("INT-19")
def test_a_token_is_opened_by_the_key_that_signed_it():
    token = sign_token("task", "interrupt", ["old"])

    assert open_token(token, ["new", "old"]) == ("task", "interrupt")
    assert open_token(token, ["new"]) is None
    assert open_token(token, []) is None
    assert sign_token("task", "interrupt", ["new"]) != token
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2], lambda t: "A" + t, lambda t: t.split(".")[0], lambda _: "", lambda _: "é.é"]
)
def test_a_changed_token_is_none(change):
    assert open_token(change(sign_token("task", "interrupt", ["key"])), ["key"]) is None


def test_without_a_key_there_is_no_address():
    with pytest.raises(ConfigurationError):
        sign_token("task", "interrupt", [])
