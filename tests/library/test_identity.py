"""Who a run's memory belongs to is believed only when it was signed for that run."""

from __future__ import annotations

import pytest

from flowdrop_provider.library.identity import ChatIdentity, read_identity, sign_identity

ADA = ChatIdentity("7d1f", "ada")
RUN = ("flowdrop_chat", "playground__1")


@pytest.mark.rule("MEM-9")
def test_a_signed_session_is_believed_for_its_own_run_only():
    told = sign_identity(ADA, *RUN, ["new", "old"])

    assert read_identity(told, *RUN, ["new"]) == ADA
    assert read_identity(told, "flowdrop_chat", "playground__2", ["new"]) is None
    assert read_identity(told, "flowdrop_other", "playground__1", ["new"]) is None
    assert read_identity(told | {"owner": "eve"}, *RUN, ["new"]) is None
    assert read_identity(told | {"id": "other"}, *RUN, ["new"]) is None


def test_a_rotated_key_still_proves():
    assert read_identity(sign_identity(ADA, *RUN, ["old"]), *RUN, ["new", "old"]) == ADA


@pytest.mark.parametrize(
    "told", [None, "x", [], {}, {"id": "7d1f", "owner": "ada"}, {"id": "7d1f", "owner": "ada", "proof": "é"}]
)
def test_what_is_not_signed_is_nobody(told):
    assert read_identity(told, *RUN, ["key"]) is None
    assert read_identity(sign_identity(ADA, *RUN, []), *RUN, []) is None
