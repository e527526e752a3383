"""SimpleXML as an author sees it: an element turned into arrays, and arrays turned into elements."""

from __future__ import annotations

import re
from typing import Any

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes._php.arrays import entries, to_json
from flowdrop_provider.nodes._php.values import require

__all__ = ["parse_xml", "to_xml"]

_MAX_DEPTH = 100
_NAME = re.compile(r"[A-Za-z_][\w.\-]*")
#: A declaration of a few short texts that name no further ones.
_PLAIN_DOCTYPE = re.compile(r'<!DOCTYPE\s+[\w.\-]+\s*\[(?:\s*<!ENTITY\s+[\w.\-]+\s+"[^"&%<]{0,1000}"\s*>){1,20}\s*\]\s*>')
#: With texts of 1,000 characters an attribute cannot grow beyond a megabyte.
_MAX_REFERENCES = 1000


def parse_xml(text: str) -> Any:
    """Return the element as ``json_decode(json_encode(simplexml_load_string($text)), true)``; ``[]`` when it is not XML.

    Attributes come under ``@attributes``, repeated elements as lists, elements of another namespace are left out. Of a
    document type declaration only plain named texts are read, and never put into the text that names them (measured);
    anything else in it is refused with a node-level error: entities can read files and grow without bound.
    """
    from lxml import etree

    declared = "<!DOCTYPE" in text
    if declared and (not _PLAIN_DOCTYPE.match(text.lstrip()) or text.count("&") > _MAX_REFERENCES):
        raise _unsafe()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.strip().encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    if not declared and root.getroottree().docinfo.internalDTD is not None:
        # An exotic encoding can hide the declaration from the look at the text above.
        raise _unsafe()
    return _element(root, 0)


def _unsafe() -> NodeError:
    return NodeError("XML with a document type declaration is read only when it holds plain texts.", code="unsafe_xml")


def _element(element: Any, depth: int) -> Any:
    """Return the properties of an element: attributes, a text that stands alone, children by name."""
    if depth > _MAX_DEPTH:
        raise NodeError("The XML is nested too deeply.", code="too_deep")
    found: dict[int | str, Any] = {}
    attributes = {name: value for name, value in element.attrib.items() if not name.startswith("{")}
    if attributes:
        found["@attributes"] = attributes
    children = list(element)
    if not children and isinstance(element.tag, str) and (element.text or "").strip():
        found[0] = element.text
    for child in children:
        name = _name(child)
        if name is not None:
            _add(found, name, _value(child, depth + 1))
    return to_json((key, list(value) if isinstance(value, _Repeated) else value) for key, value in found.items())


def _name(child: Any) -> str | None:
    """Return the property name of a child; comments count as ``comment`` (measured), other namespaces not at all."""
    if isinstance(child.tag, str):
        return None if child.tag.startswith("{") and child.prefix else child.tag.rpartition("}")[2]
    kind = type(child).__name__
    return "comment" if kind == "_Comment" else str(child.name if kind == "_Entity" else child.target)


def _value(child: Any, depth: int) -> Any:
    """Return an element that begins with text as that text, without its elements and attributes."""
    if isinstance(child.tag, str) and (child.text or "").strip():
        return (child.text or "") + "".join(inner.tail or "" for inner in child)
    if type(child).__name__ == "_Entity":
        declared = child.getroottree().docinfo.internalDTD.iterentities()
        return {entity.name: entity.content for entity in declared if entity.name == child.name}
    return _element(child, depth) if isinstance(child.tag, str) else []


def _add(found: dict[int | str, Any], name: str, value: Any) -> None:
    if name not in found:
        found[name] = value
    elif isinstance(found[name], _Repeated):
        found[name].append(value)
    else:
        found[name] = _Repeated([found[name], value])


class _Repeated(list[Any]):
    """The list of a repeated element, told apart from an element that is itself a list."""


def to_xml(data: Any) -> str:
    """Return ``<data>`` with one element per key; texts only, numbered keys and other types are errors (measured)."""
    return f'<?xml version="1.0"?>\n{_render("data", data, 0)}\n'


def _render(name: str, value: Any, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise NodeError("The data is nested too deeply for XML.", code="too_deep")
    if not isinstance(value, (list, dict)):
        return f"<{name}>{_escaped(require('string', value, f'The XML element {name!r}'))}</{name}>"
    inner = "".join(_render(_element_name(key), item, depth + 1) for key, item in entries(value))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def _element_name(key: Any) -> str:
    """Return the key as an element name; a prefix without a namespace is dropped, as SimpleXML does."""
    name = require("string", key, "The name of an XML element").rpartition(":")[2]
    if not _NAME.fullmatch(name):
        raise NodeError(f"{key!r} is not the name of an XML element.", code="invalid_xml_name")
    return str(name)


def _escaped(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return "".join(letter if letter < "\x7f" else f"&#x{ord(letter):X};" for letter in safe)
