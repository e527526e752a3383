"""Bytes to plain data, safely: exports come from people who must not be able to harm a worker (DESIGN 6).

JSON and YAML are read with limits on size, depth and, for YAML, no aliases, no tags that build objects and no YAML 1.1
surprises: Drupal writes with Symfony's YAML 1.2 dumper, for which ``yes`` is text and ``0o17`` a number.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from pathlib import Path
from typing import Any

import yaml

from flowdrop_provider.errors import DocumentError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "is_yaml", "parse", "parse_file"]

#: A document may have 8 MiB (STORE-1).
MAX_BYTES = 8 * 1024 * 1024
#: Nesting below 64 is accepted, 64 and more refused (STORE-1).
MAX_DEPTH = 64
#: Values in one document, containers and keys included; half a gigabyte of memory would otherwise hide in 8 MiB of text.
MAX_VALUES = 250_000
#: Bits of an integer: about 4,200 digits, just below what Python still turns back into text.
_MAX_INT_BITS = 14_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Cheap text tests that decide whether the exact (slower) event scan is needed at all.
_MAY_HAVE_ALIAS = re.compile(rb"(?:^|[\s\[{,:-])[*&][^\s*&,\]}]", re.MULTILINE)
# Block collections nest by column, at most two levels a column (a list may stand under its key without indentation).
_DEEP_BLOCK = re.compile(rb"^(?: |[-?:][ \t]){24}", re.MULTILINE)
# Line breaks to YAML 1.1 (a lone carriage return, NEL, LS, PS) that the expression above does not see as such.
_ODD_BREAK = re.compile(rb"\r(?!\n)|\xc2\x85|\xe2\x80[\xa8\xa9]")
# JSON may spell half of a surrogate pair, which is no text and cannot be stored.
_MAY_HAVE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


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
    try:
        number = int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    except ValueError:
        number = None
    if number is None or number.bit_length() > _MAX_INT_BITS:
        raise _not_json(f"the number {_shown(text)} is too large", node)
    return number


def _float(loader: Any, node: yaml.ScalarNode) -> float | str:
    text = str(loader.construct_scalar(node))
    try:
        number = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    if not math.isfinite(number):
        raise _not_json(f"{_shown(text)} is no JSON number", node)
    return number


def _not_json(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _binary(loader: Any, node: yaml.ScalarNode) -> str:
    # Symfony writes control characters as !!binary; in the document they are text.
    try:
        return base64.b64decode(str(loader.construct_scalar(node)), validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise _not_json("the !!binary value is no base64", node) from error


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
    :raises DocumentError: ``DOC_TOO_LARGE``, ``DOC_ENCODING``, ``DOC_MALFORMED``, ``DOC_TOO_DEEP``, ``DOC_TOO_MANY_VALUES``,
        ``DOC_YAML_ALIAS``.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            "The file is not UTF-8 text.", code="DOC_ENCODING", path=name, line=line, hint="Export it again as UTF-8."
        ) from error
    return _parse_yaml(data, name) if is_yaml(name) else _parse_json(text, data, name)


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


def _too_many(name: str) -> DocumentError:
    return DocumentError(
        f"The file holds more than {MAX_VALUES:,} values.",
        code="DOC_TOO_MANY_VALUES",
        path=name,
        hint="Keep data out of the drawing: let a node fetch it when the workflow runs.",
    )


class _NotJsonError(ValueError):
    """A token that Python's JSON reader takes and JSON does not."""

    def __init__(self, token: str, problem: str) -> None:
        super().__init__(f"{_shown(token)} {problem}")
        self.token = token


def _constant(token: str) -> Any:
    raise _NotJsonError(token, "is no JSON number")


def _json_int(token: str) -> int:
    if len(token) > _MAX_INT_BITS * 3 // 10:
        raise _NotJsonError(token, "is too large a number")
    return int(token)


def _json_float(token: str) -> float:
    number = float(token)
    if not math.isfinite(number):
        raise _NotJsonError(token, "is too large a number")
    return number


def _parse_json(text: str, data: bytes, name: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_constant, parse_int=_json_int, parse_float=_json_float)
    except json.JSONDecodeError as error:
        message = f"Malformed JSON: {error.msg} in column {error.colno}."
        raise DocumentError(message, code="DOC_MALFORMED", path=name, line=error.lineno) from error
    except _NotJsonError as error:
        line = _line_of_token(text, error.token)
        raise DocumentError(f"Malformed JSON: {error}.", code="DOC_MALFORMED", path=name, line=line) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    _measure(value, name)
    if _MAY_HAVE_SURROGATE.search(data):
        _refuse_surrogates(value, name)
    return value


def _line_of_token(text: str, token: str) -> int | None:
    """Return the line of a bare token; strings are stepped over, because they may contain the same characters."""
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[^\s",:\[\]{}]+', text):
        if match.group() == token:
            return text.count("\n", 0, match.start()) + 1
    return None


def _measure(root: Any, name: str) -> None:
    """Refuse a value that is too deep or holds too many values; iterative, because the input is hostile."""
    level, depth, count = [root], 0, 0
    while level:
        depth += isinstance(level[0], dict | list)
        if depth >= MAX_DEPTH:
            raise _too_deep(name)
        deeper: list[Any] = []
        for container in level:
            if not isinstance(container, dict | list):
                continue
            count += len(container) * (2 if isinstance(container, dict) else 1)
            if count > MAX_VALUES:
                raise _too_many(name)
            children = container.values() if isinstance(container, dict) else container
            deeper.extend(child for child in children if isinstance(child, dict | list))
        level = deeper


def _refuse_surrogates(value: Any, name: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise DocumentError(
            "The file spells half of a surrogate pair, which is no text.",
            code="DOC_ENCODING",
            path=name,
            hint="Write the character itself, or both halves of its pair.",
        ) from error


def _parse_yaml(data: bytes, name: str) -> Any:
    # libyaml composes recursively in C: the depth must be known before loading, or a hostile file ends the process.
    if _needs_scan(data):
        _scan_events(data, name)
    try:
        return yaml.load(data, Loader=_ExportLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, name) from error
    except RecursionError as error:
        raise _too_deep(name) from error


def _needs_scan(data: bytes) -> bool:
    if _MAY_HAVE_ALIAS.search(data) or _DEEP_BLOCK.search(data) or _ODD_BREAK.search(data):
        return True
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH - 2 * 24 - 2:
        return True
    # A value of its own needs one of these beside it.
    return 2 * sum(data.count(mark) for mark in (b"\n", b",", b":", b"- ", b"-\t", b"? ")) > MAX_VALUES


def _scan_events(data: bytes, name: str) -> None:
    depth = count = 0
    try:
        for event in yaml.parse(data, Loader=_Loader):
            count += 1
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth >= MAX_DEPTH:
                raise _too_deep(name, _line(event))
            if count > MAX_VALUES:
                raise _too_many(name)
            if isinstance(event, yaml.NodeEvent) and event.anchor:
                raise _alias(name, event)
    except yaml.YAMLError as error:
        raise _malformed_yaml(error, name) from error


def _alias(name: str, event: yaml.Event) -> DocumentError:
    return DocumentError(
        "YAML anchors and aliases are not allowed in an export.",
        code="DOC_YAML_ALIAS",
        path=name,
        line=_line(event),
        hint="Write the value out where it is used; Drupal never exports aliases.",
    )


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark is not None else None


def _malformed_yaml(error: yaml.YAMLError, name: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark is not None else None
    return DocumentError(f"Malformed YAML: {problem}.", code="DOC_MALFORMED", path=name, line=line)
