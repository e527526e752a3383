"""Bytes to plain data, safely: exports come from people who must not be able to harm a worker (DESIGN 6).

JSON and YAML are read with limits on size, depth and, for YAML, no aliases, no tags that build objects and no YAML 1.1
surprises: Drupal writes with Symfony's YAML 1.2 dumper, for which ``yes`` is text and ``0o17`` a number.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import yaml

from flowdrop_provider.errors import DocumentError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "is_yaml", "parse", "parse_file"]

#: A document may have 8 MiB (STORE-1).
MAX_BYTES = 8 * 1024 * 1024
#: Nesting below 64 is accepted, 64 and more refused (STORE-1).
MAX_DEPTH = 64

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Cheap text tests that decide whether the exact (slower) event scan is needed at all.
_MAY_HAVE_ALIAS = re.compile(rb"(?:^|[\s\[{,:-])[*&][^\s*&,\]}]", re.MULTILINE)
# Block collections nest by column, at most two levels a column (a list may stand under its key without indentation).
_DEEP_BLOCK = re.compile(rb"^(?: |[-?:][ \t]){24}", re.MULTILINE)


class _ExportLoader(_Loader):  # type: ignore[misc]
    """libyaml's safe loader with YAML 1.2 scalars."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


def _resolve(tag: str, pattern: str, first: str) -> None:
    _ExportLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
_ExportLoader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile(r"^$")))
_resolve("int", r"^[-+]?(?:0|[1-9][0-9_]*)$|^0o[0-7]+$|^0x[0-9a-fA-F]+$", "-+0123456789")
_resolve(
    "float",
    r"^[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
    "-+0123456789.",
)


def _int(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _float(loader: Any, node: yaml.ScalarNode) -> float | str:
    text = str(loader.construct_scalar(node))
    try:
        return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text


def _binary(loader: Any, node: yaml.ScalarNode) -> str:
    # Symfony writes control characters as !!binary; in the document they are text.
    return base64.b64decode(str(loader.construct_scalar(node))).decode("utf-8", "replace")


def _sequence(loader: Any, node: yaml.SequenceNode) -> list[Any]:
    return [loader.construct_object(item, deep=True) for item in node.value]


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    # Keys are text, as in JSON: PHP writes list positions and numbers as bare integers.
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
        if key_node.value in result:
            problem = f"the key {key_node.value[:80]!r} stands twice in one mapping"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        result[key_node.value] = loader.construct_object(value_node, deep=True)
    return result


# Only what JSON knows: no timestamps, sets, ordered maps or Python objects.
_ExportLoader.yaml_constructors = {
    f"tag:yaml.org,2002:{name}": function
    for name, function in {
        "null": _Loader.construct_yaml_null,
        "bool": _Loader.construct_yaml_bool,
        "int": _int,
        "float": _float,
        "binary": _binary,
        "str": _Loader.construct_yaml_str,
        "seq": _sequence,
        "map": _mapping,
    }.items()
} | {None: _Loader.construct_undefined}


def is_yaml(name: str) -> bool:
    """Return whether a file name says YAML."""
    return name.lower().endswith((".yml", ".yaml"))


def parse_file(path: Path) -> Any:
    """Read and parse one file; see :func:`parse`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(str(path), path.stat().st_size)
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"Cannot read the file: {error.strerror}.", code="DOC_UNREADABLE", path=str(path)) from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Any:
    """Return the plain data of a JSON or YAML text.

    :param data: the bytes, UTF-8, at most :data:`MAX_BYTES`.
    :param name: file name; ``.yml``/``.yaml`` means YAML, everything else JSON. Used in errors.
    :raises DocumentError: ``DOC_TOO_LARGE``, ``DOC_ENCODING``, ``DOC_MALFORMED``, ``DOC_TOO_DEEP``, ``DOC_YAML_ALIAS``.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            "The file is not UTF-8 text.", code="DOC_ENCODING", path=name, line=line, hint="Export it again as UTF-8."
        ) from error
    return _parse_yaml(data, name) if is_yaml(name) else _parse_json(data, name)


def _too_large(name: str, size: int) -> DocumentError:
    return DocumentError(
        f"The file has {size:,} bytes; a document may have {MAX_BYTES:,}.",
        code="DOC_TOO_LARGE",
        path=name,
        hint="Split the workflow, or move large constants out of node configuration.",
    )


def _too_deep(name: str, line: int | None = None) -> DocumentError:
    return DocumentError(
        f"The file is nested {MAX_DEPTH} levels or deeper.",
        code="DOC_TOO_DEEP",
        path=name,
        line=line,
        hint="Flatten the value; the limit protects the workers that read it.",
    )


def _reject_constant(token: str) -> Any:
    raise ValueError(f"{token} is not JSON")


def _parse_json(data: bytes, name: str) -> Any:
    try:
        value = json.loads(data, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        message = f"Malformed JSON: {error.msg} in column {error.colno}."
        raise DocumentError(message, code="DOC_MALFORMED", path=name, line=error.lineno) from error
    except ValueError as error:
        raise DocumentError(f"Malformed JSON: {error}.", code="DOC_MALFORMED", path=name) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    if data.count(b"[") + data.count(b"{") >= MAX_DEPTH and _depth(value) >= MAX_DEPTH:
        raise _too_deep(name)
    return value


def _depth(value: Any) -> int:
    """Return the nesting depth, counting containers only; iterative, because the input is hostile."""
    level, depth = [value], 0
    while level and depth < MAX_DEPTH:
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        depth += 1
    return depth


def _parse_yaml(data: bytes, name: str) -> Any:
    # libyaml composes recursively in C: the depth must be known before loading, or a hostile file ends the process.
    if _needs_scan(data):
        _scan_events(data, name)
    try:
        return yaml.load(data, Loader=_ExportLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, name) from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"Malformed YAML: {error}.", code="DOC_MALFORMED", path=name) from error


def _needs_scan(data: bytes) -> bool:
    if _MAY_HAVE_ALIAS.search(data) or _DEEP_BLOCK.search(data):
        return True
    return data.count(b"[") + data.count(b"{") > MAX_DEPTH - 2 * 24 - 2


def _scan_events(data: bytes, name: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(data, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth >= MAX_DEPTH:
                    raise _too_deep(name, _line(event))
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if isinstance(event, yaml.NodeEvent) and event.anchor:
                raise DocumentError(
                    "YAML anchors and aliases are not allowed in an export.",
                    code="DOC_YAML_ALIAS",
                    path=name,
                    line=_line(event),
                    hint="Write the value out where it is used; Drupal never exports aliases.",
                )
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, name) from error


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark is not None else None


def _malformed_yaml(error: yaml.YAMLError, name: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark is not None else None
    return DocumentError(f"Malformed YAML: {problem}.", code="DOC_MALFORMED", path=name, line=line)
