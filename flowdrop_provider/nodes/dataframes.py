"""Data frames: ``{"data": rows, "columns": [...], "index": [...]}``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key, reduce
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php import numbers
from flowdrop_provider.nodes._php.arrays import Key, entries, keys, normal_key, slice_map, to_json, values
from flowdrop_provider.nodes._php.values import compare, require, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor
from flowdrop_provider.nodes.data_operations import array_key, field_of

__all__ = ["data_to_dataframe", "dataframe_operations"]


def _column(data: Any, name: Any) -> list[Any]:
    """Return ``array_column``: the values of the rows that have the column, null included."""
    key = normal_key(name) if isinstance(name, (int, str)) else name
    rows = (dict(entries(row)) for row in values(data) if isinstance(row, (list, dict)))
    return [row[key] for row in rows if key in row]


def _oriented(data: Any, orient: str, columns: list[Key], first: Any) -> Any:
    """Return the frame's ``data`` in the asked orientation; any other word leaves it as it is (measured)."""
    if orient == "index":
        return values(data)
    if orient == "columns":
        return to_json((name, _column(data, name)) for name in columns)
    if orient == "split":
        if not isinstance(first, (list, dict)):
            return {"data": data, "columns": [], "index": []}
        return {"data": values(data), "index": keys(data), "columns": columns}
    return data


def _frame(data: Any, orient: str, include_index: bool) -> dict[str, Any]:
    if not data:
        return {"data": [], "columns": [], "index": []}
    first = values(data)[0]
    columns = keys(first)
    return {
        "data": _oriented(data, orient, columns, first),
        "columns": columns,
        "index": keys(data) if include_index else [],
    }


@processor(
    "data_to_dataframe",
    label="Data to Dataframe",
    category="processing",
    description="Wraps a list of records as a data frame.",
    parameters=[
        param("data", connectable=True),
        param("format", configurable=True, default="json", description="A label; nothing is converted."),
        param("includeIndex", "boolean", configurable=True, default=False),
        param("orient", "string", configurable=True, default="records"),
    ],
    outputs=[
        output("dataframe", "object"),
        output("format", "string"),
        output("rows_count", "integer"),
        output("columns_count", "integer"),
        output("include_index", "boolean"),
        output("orient", "string"),
    ],
)
def data_to_dataframe(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the frame; the columns are the keys of the first record (measured)."""
    data = require("array", params["data"] if truthy(params["data"]) else [], "The port 'data'")
    include_index, orient = bool(params["includeIndex"]), "records" if params["orient"] is None else params["orient"]
    frame = _frame(data, orient, include_index)
    return {
        "dataframe": frame,
        "format": "json" if params["format"] is None else params["format"],
        "rows_count": len(frame["data"]),
        "columns_count": len(frame["columns"]),
        "include_index": include_index,
        "orient": orient,
    }


def _part(frame: Any, name: str) -> Any:
    return require("array", field_of(frame, name, []), f"The frame's {name}")


def _rebuilt(data: Any, columns: Any, index: Any) -> dict[str, Any]:
    return {"data": data, "columns": columns, "index": index}


def _sliced(frame: Any, offset: int, length: int | None) -> dict[str, Any]:
    data, index = (slice_map(_part(frame, name), offset, length) for name in ("data", "index"))
    return _rebuilt(data, _part(frame, "columns"), index)


def _head(frame: Any, options: dict[str, Any]) -> Any:
    return _sliced(frame, 0, require("int", options["rows"], "The number of rows"))


def _tail(frame: Any, options: dict[str, Any]) -> Any:
    # PHP slices from -0, which is the beginning: a tail of no rows is the whole frame (measured).
    return _sliced(frame, -require("int", options["rows"], "The number of rows"), None)


def _select(frame: Any, options: dict[str, Any]) -> Any:
    columns = values(options["columns"])
    rows = [
        to_json((normal_key(name), cell) for name in columns if (cell := _cell(row, name, None)) is not None)
        for row in values(_part(frame, "data"))
    ]
    return _rebuilt(rows, options["columns"], _part(frame, "index"))


def _cell(row: Any, name: Any, missing: Any) -> Any:
    return field_of(row, array_key(name), missing)


def _filter(frame: Any, options: dict[str, Any]) -> Any:
    """Keep empty or non-empty rows; no other condition keeps any (measured)."""
    condition = require("string", options["condition"], "The condition")
    if not truthy(condition):
        return frame
    wanted = {"empty": False, "not empty": True}.get(condition)
    rows = [row for row in values(_part(frame, "data")) if truthy(row) is wanted]
    return _rebuilt(rows, _part(frame, "columns"), slice_map(_part(frame, "index"), 0, len(rows)))


def _sort(frame: Any, options: dict[str, Any]) -> Any:
    columns = values(options["columns"])

    def order(left: Any, right: Any) -> int:
        found = (compare(_cell(left, name, ""), _cell(right, name, "")) for name in columns)
        return next((sign for sign in found if sign), 0)

    rows = sorted(values(_part(frame, "data")), key=cmp_to_key(order))
    return _rebuilt(rows, _part(frame, "columns"), _part(frame, "index"))


def _group(frame: Any, options: dict[str, Any]) -> Any:
    groups: dict[Key, list[Any]] = {}
    columns = values(options["columns"])
    for row in values(_part(frame, "data")):
        name = "|".join(to_string(_cell(row, column, "")) for column in columns)
        groups.setdefault(normal_key(name), []).append(row)
    return _rebuilt(to_json(groups), options["columns"], list(groups))


def _aggregate(frame: Any, options: dict[str, Any]) -> Any:
    columns = values(options["columns"])
    summaries = {normal_key(to_string(name)): _summary(_column(_part(frame, "data"), name), name) for name in columns}
    return _rebuilt(to_json(summaries), options["columns"], list(summaries))


def _summary(cells: list[Any], name: Any) -> dict[str, Any]:
    if not cells:
        raise NodeError(f"No row has the column {name!r}.", code="empty_column")
    total = numbers.array_sum(cells)
    return {
        "count": len(cells),
        "sum": total,
        "avg": numbers.divide(total, len(cells)),
        "min": reduce(lambda best, cell: cell if compare(cell, best) < 0 else best, cells),
        "max": reduce(lambda best, cell: cell if compare(cell, best) > 0 else best, cells),
    }


_BY_COLUMN: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "select": _select,
    "sort": _sort,
    "group": _group,
    "aggregate": _aggregate,
}
_WHOLE: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "head": _head,
    "tail": _tail,
    "filter": _filter,
    "merge": lambda frame, _: frame,
}


def _operate(operation: str, frame: Any, options: dict[str, Any]) -> Any:
    if operation not in _BY_COLUMN and operation not in _WHOLE:
        return []
    require("array", frame, "The port 'dataframe'")
    if operation in _WHOLE:
        return _WHOLE[operation](frame, options)
    require("array", options["columns"], "The list of columns")
    return _BY_COLUMN[operation](frame, options) if options["columns"] else frame


@processor(
    "dataframe_operations",
    label="Dataframe Operations",
    category="processing",
    description="Takes, selects, filters, sorts, groups and aggregates the rows of a data frame.",
    parameters=[
        param("dataframe", connectable=True),
        param("operation", "string", configurable=True, default="head"),
        param("columns", configurable=True, default=[]),
        param("rows", configurable=True, default=5),
        param("condition", configurable=True, default="", description="'empty' or 'not empty'."),
    ],
    outputs=[
        output("result", "object"),
        output("operation", "string"),
        output("input_rows", "integer"),
        output("output_rows", "integer"),
        output("columns", "array"),
        output("rows", "integer"),
    ],
)
def dataframe_operations(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the resulting frame and its row counts; an unknown operation gives an empty one (measured)."""
    operation = "head" if params["operation"] is None else params["operation"]
    frame = params["dataframe"] if truthy(params["dataframe"]) else []
    options = {
        "columns": [] if params["columns"] is None else params["columns"],
        "rows": 5 if params["rows"] is None else params["rows"],
        "condition": "" if params["condition"] is None else params["condition"],
    }
    result = _operate(operation, frame, options)
    return {
        "result": result,
        "operation": operation,
        "input_rows": len(_part(frame, "data")),
        "output_rows": len(_part(result, "data")),
        "columns": options["columns"],
        "rows": options["rows"],
    }
