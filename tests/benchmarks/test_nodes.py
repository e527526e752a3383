"""What the text and data nodes cost on 1 kB, 1 MB and 50 MB: growth is linear, or the node refuses the size at once.

50 MB through all of them take five minutes; without FLOWDROP_BENCH=full it is 5 MB.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from flowdrop_provider.engine.parameters import resolve
from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.registry import get_processor
from tests.benchmarks.conftest import FULL

pytestmark = [pytest.mark.benchmark, pytest.mark.slow, pytest.mark.timeout(600)]

KILO, MEGA, LARGE = 1_000, 1_000_000, 50_000_000 if FULL else 5_000_000
#: 50 times the input may take 200 times as long: room for caches that are too small, not for a square.
MOST_GROWTH = LARGE / MEGA * 4
#: A time below this many seconds measures the clock and the allocator more than the node.
SHORT = 0.02
_SENTENCE = "The weather in Prague is sunny, 21 degrees. "
_ROW = {"city": "Prague", "temp": 21, "sunny": True, "wind": 3.5}
_ROW_BYTES = len(json.dumps(_ROW))


def text(size: int) -> str:
    return (_SENTENCE * (size // len(_SENTENCE) + 1))[:size]


def rows(size: int) -> list[dict[str, Any]]:
    return [{**_ROW, "temp": number % 97} for number in range(max(1, size // _ROW_BYTES))]


def frame(size: int) -> dict[str, Any]:
    return {"data": rows(size), "columns": list(_ROW), "index": []}


Case = tuple[str, dict[str, Any], Callable[[int], dict[str, Any]]]
CASES: list[Case] = [
    ("text_processor", {"operation": "uppercase"}, lambda size: {"text": text(size)}),
    ("text_processor", {"operation": "strip_tags"}, lambda size: {"text": f"<p>{text(size)}</p>"}),
    ("text_output", {"maxLength": 10_000}, lambda size: {"text": text(size)}),
    ("split_text", {"method": "words"}, lambda size: {"text": text(size)}),
    ("split_text", {"method": "characters", "chunkSize": 1000}, lambda size: {"text": text(size)}),
    ("split_text", {"method": "sentences", "chunkSize": 10}, lambda size: {"text": text(size)}),
    ("regex_extractor", {"pattern": "(\\d+) kilometres", "matchAll": True}, lambda size: {"text": text(size)}),
    ("if_else", {"operator": "contains", "matchText": "rain"}, lambda size: {"data": text(size)}),
    ("html_to_markdown", {}, lambda size: {"html": f"<p>{_SENTENCE}</p>\n" * (size // 55 + 1)}),
    ("markdown_to_html", {}, lambda size: {"text": f"**{_SENTENCE}**\n\n" * (size // 52 + 1)}),
    ("markdown_extractor", {}, lambda size: {"text": f"# City\n\n{_SENTENCE}\n\n" * (size // 56 + 1)}),
    ("message_to_data", {"format": "json"}, lambda size: {"message": json.dumps(rows(size))}),
    ("message_to_data", {"format": "csv"}, lambda size: {"message": "a,b\n" + "Prague,21\n" * (size // 10 + 1)}),
    ("message_to_data", {"format": "key_value"}, lambda size: {"message": "city=Prague\n" * (size // 12 + 1)}),
    ("message_to_data", {"format": "xml"}, lambda size: {"message": f"<r>{'<c>Prague</c>' * (size // 13 + 1)}</r>"}),
    ("structured_output", {"format": "json"}, lambda size: {"data": rows(size)}),
    ("structured_output", {"format": "csv"}, lambda size: {"data": rows(size)}),
    ("json_to_data", {}, lambda size: {"json": json.dumps(rows(size))}),
    ("data_to_json", {}, lambda size: {"data": rows(size)}),
    ("data_operations", {"operation": "filter", "key": "city", "value": "Prague"}, lambda size: {"data": rows(size)}),
    ("data_operations", {"operation": "sort", "key": "temp"}, lambda size: {"data": rows(size)}),
    ("data_operations", {"operation": "group", "key": "temp"}, lambda size: {"data": rows(size)}),
    ("data_operations", {"operation": "unique", "key": "temp"}, lambda size: {"data": rows(size)}),
    ("data_to_dataframe", {"orient": "columns"}, lambda size: {"data": rows(size)}),
    ("dataframe_operations", {"operation": "sort", "columns": ["temp"]}, lambda size: {"dataframe": frame(size)}),
    ("dataframe_operations", {"operation": "aggregate", "columns": ["temp"]}, lambda size: {"dataframe": frame(size)}),
    ("data_extractor", {"path": "$[0].city"}, lambda size: {"data": rows(size)}),
    ("message_assemble", {"dynamicInputs": [{"name": "a"}, {"name": "b"}]}, lambda size: {"a": rows(size), "b": rows(10)}),
    ("prompt_template", {"template": "{{ a }}"}, lambda size: {"variables": {"a": text(size)}}),
]


def seconds(processor_id: str, config: dict[str, Any], inputs: dict[str, Any]) -> tuple[float, str]:
    """Return how long one execution took, and the code of the node-level error it ended with, if any."""
    processor = get_processor(processor_id)
    assert processor is not None
    context = NodeContext("n", inputs=inputs, config=config)
    begin = time.perf_counter()
    try:
        processor.function(resolve(processor.node_type, config, inputs), context)
        code = ""
    except NodeError as error:
        code = error.code
    return time.perf_counter() - begin, code


@pytest.mark.parametrize(
    ("processor_id", "config", "make"), CASES, ids=lambda value: str(value)[:40] if isinstance(value, str) else ""
)
def test_a_node_grows_linearly(
    processor_id: str, config: dict[str, Any], make: Callable[[int], dict[str, Any]], figures: Callable[[str], None]
) -> None:
    seconds(processor_id, config, make(KILO))  # Imports and compiled patterns are paid once.
    found = {size: seconds(processor_id, config, make(size)) for size in (KILO, MEGA, LARGE)}
    shown = ", ".join(
        f"{size // 1000:,} kB {taken * 1000:,.1f} ms{f' ({code})' if code else ''}" for size, (taken, code) in found.items()
    )
    figures(f"{processor_id} {config.get('operation') or config.get('method') or config.get('format') or ''}: {shown}")
    (medium, _), (large, refused) = found[MEGA], found[LARGE]
    if refused:
        assert large < 60, f"refused with {refused}, but only after {large:.1f} s"
    else:
        assert large < max(medium, SHORT) * MOST_GROWTH
