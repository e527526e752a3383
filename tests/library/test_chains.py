"""A chain gives every change away; more of it by way of the command line in ``tests/cli/test_audit.py``."""

from __future__ import annotations

from flowdrop_provider.library.chains import CHAIN, START, broken_event, chained

EVENTS = [{"number": number, "text": "ü\u2028"} for number in range(3)]


def test_a_chain_starts_anew_whatever_the_events_carried():
    sealed = list(chained(EVENTS))

    assert list(chained(sealed)) == sealed
    assert broken_event(sealed) == (None, 3, sealed[-1][CHAIN])
    assert broken_event([]) == (None, 0, START)
    assert CHAIN not in EVENTS[0], "what was given is not changed"


def test_the_first_event_that_is_not_what_it_was_is_named():
    sealed = list(chained(EVENTS))

    assert broken_event([sealed[0], {**sealed[1], "text": "u"}, sealed[2]])[0] == 2
    assert broken_event(sealed[1:])[0] == 1
    assert broken_event(EVENTS)[0] == 1
