"""Redaction before storage: what people see never shows a secret (DESIGN 6).

Key names, header names, credentials in URLs, JSON inside strings, and the secret values this run resolved are replaced at any
depth. The value handed to the next node is never redacted; whether redaction *would* touch it decides that it travels sealed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MASK", "Redactor"]

MASK = "[redacted]"

#: A key is sensitive when one of these is one of its words, or the whole key without separators.
_WORDS = frozenset(
    (
        *("password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "authorization", "cookie", "csrf", "apikey"),
        *("credential", "credentials", "bearer", "jwt", "pin", "otp", "signature", "privatekey", "accesskey", "sessionid"),
        *("clientsecret", "xapikey", "setcookie", "proxyauthorization", "connectionstring", "webhookurl"),
    )
)
#: Words that make a key harmless although another word is listed: counts and limits of tokens are figures.
_HARMLESS = frozenset({"max", "count", "used", "limit", "total", "usage", "prompt", "completion", "number", "call", "id"})

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]+:[^/\s@]+@")
_QUERY = re.compile(
    r"(?i)([?&](?:access_token|api[_-]?key|auth|key|password|pwd|secret|sig|signature|token)=)[^&#\s\"'<>]+",
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}")
_MAX_JSON_IN_STRING = 262_144


def _sensitive(key: str) -> bool:
    words = [word.lower() for word in _SPLIT.split(key) if word]
    if "".join(words) in _WORDS:
        return True
    return any(word in _WORDS for word in words) and not any(word in _HARMLESS for word in words)


@dataclass(slots=True)
class Redactor:
    """Replaces secrets in JSON values and remembers where.

    :ivar values: secret values resolved in this run; replaced wherever they occur in a string.
    :ivar extra_keys: further sensitive key names from settings, lower-case.
    """

    values: Iterable[str] = ()
    extra_keys: frozenset[str] = frozenset()
    _known: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        # Longest first, so that a secret that contains another is replaced whole; very short ones would shred any text.
        self._known = tuple(sorted({value for value in self.values if len(value) >= 4}, key=len, reverse=True))

    def redact(self, value: Any) -> tuple[Any, list[str]]:
        """Return ``value`` with secrets masked, and the dotted paths that were touched, sorted."""
        touched: list[str] = []
        return self._value(value, "", touched), sorted(touched)

    def touches(self, value: Any) -> bool:
        """Return whether redaction would change ``value``."""
        return bool(self.redact(value)[1])

    def _value(self, value: Any, path: str, touched: list[str]) -> Any:
        if isinstance(value, str):
            return self._text(value, path, touched)
        if isinstance(value, Mapping):
            return {key: self._member(key, item, _join(path, key), touched) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item, _join(path, index), touched) for index, item in enumerate(value)]
        return value

    def _member(self, key: Any, item: Any, path: str, touched: list[str]) -> Any:
        name = str(key)
        if (_sensitive(name) or name.lower() in self.extra_keys) and item not in (None, "", [], {}) and item is not False:
            touched.append(path)
            return MASK
        return self._value(item, path, touched)

    def _text(self, text: str, path: str, touched: list[str]) -> str:
        result = text
        for secret in self._known:
            result = result.replace(secret, MASK)
        if "://" in result:
            result = _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(rf"\1{MASK}@", result))
        if "earer" in result or "asic" in result:
            result = _BEARER.sub(rf"\1 {MASK}", result)
        result = self._json(result)
        if result != text:
            touched.append(path)
        return result

    def _json(self, text: str) -> str:
        """Redact JSON that travels inside a string, one level deep."""
        if text[:1] not in {"{", "["} or len(text) > _MAX_JSON_IN_STRING:
            return text
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return text
        touched: list[str] = []
        masked = Redactor(self._known, self.extra_keys)._plain(parsed, "", touched)
        return json.dumps(masked, ensure_ascii=False) if touched else text

    def _plain(self, value: Any, path: str, touched: list[str]) -> Any:
        return value if isinstance(value, str) else self._value(value, path, touched)


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
