"""Where in a file a value stands: a path into the plain data to a 1-based line.

Only asked for when there is something to report, so reading stays fast. JSON goes through the same libyaml composer, because
JSON is YAML for this purpose; a file it cannot compose has findings without lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

__all__ = ["line_finder"]

Pointer = tuple[str | int, ...]
#: Key and value node by key, for each mapping that was asked for: thousands of findings may lie in one.
Indexes = dict[int, dict[str, tuple[yaml.Node, yaml.Node]]]


def line_finder(data: bytes, base: Pointer = ()) -> Callable[[Pointer], int | None]:
    """Return a function from a pointer (relative to ``base``) to its line.

    :param data: the text, already parsed once within its limits.
    :param base: where the workflow stands in the file, inside envelopes.
    """
    root: list[Any] = []
    indexes: Indexes = {}

    def find(pointer: Pointer) -> int | None:
        if not root:
            root.append(_compose(data))
        return _line(root[0], (*base, *pointer), indexes) if root[0] is not None else None

    return find


#: Marks beside values, above which no line is looked for: a workflow of 500 nodes has a fifth of them, and composing a document
#: at the limit of values takes seconds.
_MAX_MARKS = 100_000

# JSON spells a character beyond the basic plane as two escapes, which YAML does not know.
_PAIR_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _compose(data: bytes) -> yaml.Node | None:
    if data.count(b":") + data.count(b",") + data.count(b"\n-") > _MAX_MARKS:
        return None
    data = _PAIR_HALF.sub(rb"\\u003f", data)
    try:
        # Tabs may indent JSON and never YAML; inside JSON strings they are escaped.
        return yaml.compose(data.replace(b"\t", b" "), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return None


def _line(node: yaml.Node, pointer: Pointer, indexes: Indexes) -> int | None:
    mark = node.start_mark
    for part in pointer:
        found = _child(node, part, indexes)
        if found is None:
            break
        key, node = found
        mark = key.start_mark
    return mark.line + 1 if mark is not None else None


def _child(node: yaml.Node, part: str | int, indexes: Indexes) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        inside = isinstance(part, int) and 0 <= part < len(node.value)
        return (node.value[part], node.value[part]) if inside else None
    if isinstance(node, yaml.MappingNode):
        if isinstance(part, int):
            return node.value[part] if part < len(node.value) else None
        if id(node) not in indexes:
            indexes[id(node)] = {str(key.value): (key, value) for key, value in node.value}
        return indexes[id(node)].get(part)
    return None
