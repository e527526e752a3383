"""Texts as bytes: PHP measures, cuts and lower-cases bytes, JSON carries characters."""

from __future__ import annotations

from flowdrop_provider.errors import NodeError

__all__ = ["byte_length", "cut", "decode", "encode", "ends_with", "explode", "from_bytes", "lower", "split_bytes", "upper"]

_LOWER = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_UPPER = {code + 32: code for code in range(ord("A"), ord("Z") + 1)}


def encode(text: str) -> bytes:
    """Return the UTF-8 bytes; a lone surrogate stands for the byte it came from, or is spelled out (WTF-8)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """Return the text of ``data``, keeping bytes that are not UTF-8 as lone surrogates (:func:`encode` reverses it)."""
    return data.decode("utf-8", "surrogateescape")


class Utf8Fragment(str):
    """Bytes that are no UTF-8, as lone surrogates.

    PHP hands such a text on. It is no JSON value, so it carries a type of its own, and the engine's check of a node's
    outputs refuses it by place and type (ERR-6).
    """

    __slots__ = ()


def text_or_fragment(data: bytes) -> str:
    """Return the text of ``data``, as :class:`Utf8Fragment` when it begins or ends inside a character."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return Utf8Fragment(data.decode("utf-8", "surrogateescape"))


def from_bytes(data: bytes, what: str, hint: str | None = None) -> str:
    """Return ``data`` as text, or raise a node-level error: a JSON value cannot carry other bytes (ERR-6)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise NodeError(f"{what} is not valid UTF-8 text.", code="not_utf8", hint=hint) from None


def byte_length(text: str) -> int:
    """Return ``strlen``: the number of UTF-8 bytes."""
    return len(encode(text))


def lower(text: str) -> str:
    """Return ``strtolower`` of PHP 8.2: ASCII letters only."""
    return text.translate(_LOWER)


def upper(text: str) -> str:
    """Return ``strtoupper`` of PHP 8.2: ASCII letters only."""
    return text.translate(_UPPER)


def ends_with(text: str, wanted: str) -> bool:
    """Return FlowDrop's "ends with": only the *first* occurrence counts, so ``abab`` does not end with ``ab`` (measured)."""
    place = text.find(wanted)
    return place >= 0 and place == len(text) - len(wanted)


def cut(text: str, length: int) -> str:
    """Return the first ``length`` bytes, without half a character at the end."""
    data = encode(text)[:length] if length >= 0 else encode(text)[: length or None]
    return data.decode("utf-8", "ignore")


def explode(separator: str, text: str) -> list[str]:
    """Return ``explode``; an empty separator is a node-level error."""
    if not separator:
        raise NodeError("The separator cannot be empty.", code="invalid_parameter")
    return text.split(separator)


def split_bytes(text: str, size: int) -> list[str]:
    """Return ``str_split``: pieces of ``size`` bytes, where a character that straddles two pieces goes to one of them."""
    pieces: list[bytearray] = []
    for character in text:
        data = encode(character)
        if not pieces or len(pieces[-1]) + len(data) > size:
            pieces.append(bytearray())
        pieces[-1] += data
    return [decode(bytes(piece)) for piece in pieces]
