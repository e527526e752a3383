"""PHP's YAML extension (libyaml, YAML 1.1), bounded: no aliases, no tags, limited size, depth and number of nodes."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

import yaml

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import entries, to_json
from flowdrop_provider.nodes._php.values import float_to_string

__all__ = ["emit_yaml", "parse_yaml"]

_MAX_BYTES, _MAX_DEPTH, _MAX_NODES = 1_048_576, 100, 100_000
_BOOLEANS = re.compile(r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")
_EXPONENT = re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")


@cache
def _loader() -> Any:
    """Return a safe loader that resolves scalars as PHP's extension does: dates stay texts, ``y`` and ``1e3`` do not."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers = {
            letter: [rule for rule in rules if rule[0] not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
            for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEANS, list("yYnNtTfFoO"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
    return Loader


def _construct_bool(_: Any, node: Any) -> bool:
    return str(node.value).lower() in ("y", "yes", "true", "on")


def parse_yaml(text: str) -> Any:
    """Return the first document as JSON, ``None`` when it does not parse; aliases and floods are a node-level error."""
    if len(text) > _MAX_BYTES:
        raise NodeError(f"The YAML is longer than {_MAX_BYTES} characters.", code="limit_exceeded")
    try:
        _check_events(text)
        return _to_json(next(yaml.load_all(text, Loader=_loader()), None))
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, RecursionError):
        return None


def _check_events(text: str) -> None:
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_loader())):
        if isinstance(event, yaml.AliasEvent):
            raise NodeError("YAML aliases are not read.", code="unsafe_yaml")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH or number > _MAX_NODES:
            raise NodeError("The YAML is nested too deeply or has too many values.", code="limit_exceeded")


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return to_json(entries({_key(key): _to_json(item) for key, item in value.items()}))
    if isinstance(value, (list, tuple, set)):
        return [_to_json(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    return value


def _key(key: Any) -> str:
    return "" if key is None else str(int(key)) if isinstance(key, (bool, float)) else str(key)


def emit_yaml(data: Any) -> str:
    """Return ``yaml_emit``: ASCII, texts that would read as something else in double quotes, several lines as ``|``."""
    text = yaml.dump(data, Dumper=_dumper(), explicit_start=True, explicit_end=True, default_flow_style=False, sort_keys=False)
    return str(text)


@cache
def _dumper() -> Any:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            """Write a value that occurs twice twice: what we read refuses aliases."""
            return True

    Dumper.add_representer(str, _represent_text)
    Dumper.add_representer(float, _represent_float)
    Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "~"))
    Dumper.add_representer(dict, _represent_map)
    Dumper.add_representer(list, _represent_list)
    return Dumper


def _represent_text(dumper: Any, text: str) -> Any:
    resolver = _loader()("")
    plain = resolver.resolve(yaml.ScalarNode, text, (True, False))
    style = None
    if plain != "tag:yaml.org,2002:str":
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_float(dumper: Any, number: float) -> Any:
    if not math.isfinite(number):
        raise NodeError("YAML cannot carry INF or NAN.", code="not_json")
    return dumper.represent_scalar("tag:yaml.org,2002:float", float_to_string(number, 17, shortest=True, exponent="e"))


def _represent_map(dumper: Any, data: dict[str, Any]) -> Any:
    if not data:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", [], flow_style=True)
    return dumper.represent_mapping("tag:yaml.org,2002:map", dict(entries(data)).items())


def _represent_list(dumper: Any, data: list[Any]) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not data)
