from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.ids import open_cursor, pack_cursor, pipeline_id, run_key

IDS = st.text(st.characters(blacklist_characters="\n", blacklist_categories=("Cs",)), min_size=1, max_size=60)


@given(IDS, IDS)
def test_a_pipeline_id_stands_for_one_run_and_needs_no_quoting(dag_id, run_id):
    encoded = pipeline_id(dag_id, run_id)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", encoded)
    assert run_key(encoded) == (dag_id, run_id)


@pytest.mark.parametrize("value", ["", "nope", "Zm8", "é", "a" * 5_000, pipeline_id("a", "b") + "=", "YQpiCmM", "%2F"])
def test_what_is_no_pipeline_id_is_not_found(value):
    with pytest.raises(ApiError) as refused:
        run_key(value)

    assert (refused.value.status, refused.value.code) == (404, "PIPELINE_NOT_FOUND")


def test_a_cursor_comes_back_as_it_was_given():
    assert open_cursor(pack_cursor(7, "a.1", -1), int, str, int) == [7, "a.1", -1]


@pytest.mark.parametrize("value", ["", "x", "W10", pack_cursor("7"), pack_cursor(7, 8), pack_cursor(True)])
def test_a_foreign_cursor_is_refused(value):
    with pytest.raises(ApiError) as refused:
        open_cursor(value, int)

    assert (refused.value.status, refused.value.code) == (400, "CURSOR_INVALID")
