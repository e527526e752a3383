"""The signature, against the vectors that the PHP side is tested with too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdrop_provider.drupal.signing import DELIVERY, SIGNATURE, TIMESTAMP, SignatureError, sign, signed_headers, verify

CONTRACT = Path(__file__).parents[2] / "drupal" / "flowdrop_airflow" / "tests" / "contract"
VECTORS = json.loads((CONTRACT / "signature.json").read_text(encoding="utf-8"))
SECRET = "0123456789abcdef0123456789abcdef"


def given(vector: dict[str, Any]) -> tuple[Any, ...]:
    return vector["method"], vector["target"], vector["timestamp"], vector["delivery"], vector["body"].encode()


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["name"])
def test_signatures(vector: dict[str, Any]) -> None:
    assert sign(vector["secret"], *given(vector)) == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["verified"], ids=lambda vector: vector["name"])
def test_verdicts(vector: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    asked = (vector["secrets"], vector["method"], vector["target"], headers, vector["body"].encode())
    if vector["code"] is None:
        assert verify(*asked, now=vector["now"]) == vector["headers"][DELIVERY]
    else:
        with pytest.raises(SignatureError) as caught:
            verify(*asked, now=vector["now"])
        assert caught.value.code == vector["code"]


def test_a_signed_request_is_accepted_once_signed_and_nowhere_else() -> None:
    headers = signed_headers(SECRET, "POST", "/a?b=1", b"{}", now=1000, delivery="d")
    assert set(headers) == {SIGNATURE, TIMESTAMP, DELIVERY}
    lower = {name.lower(): value for name, value in headers.items()}
    assert verify([SECRET], "POST", "/a?b=1", lower, b"{}", now=1300) == "d"
    others = [("PUT", "/a?b=1", b"{}", 1000), ("POST", "/a", b"{}", 1000), ("POST", "/a?b=1", b"{} ", 1000)]
    for method, target, body, now in (*others, ("POST", "/a?b=1", b"{}", 1301)):
        with pytest.raises(SignatureError):
            verify([SECRET], method, target, lower, body, now=now)


def test_a_short_secret_signs_nothing_and_opens_nothing() -> None:
    with pytest.raises(SignatureError) as caught:
        signed_headers("short", "GET", "/", b"", now=1, delivery="d")
    assert caught.value.code == "SIGNATURE_SECRET_SHORT"
    headers = {SIGNATURE.lower(): sign("", "GET", "/", 1, "d", b""), TIMESTAMP.lower(): "1", DELIVERY.lower(): "d"}
    with pytest.raises(SignatureError):
        verify([""], "GET", "/", headers, b"", now=1)
