"""Redaction before storage: what people see never shows a secret (DESIGN 6).

Key names, header names, credentials in URLs, JSON inside strings, and the secret values this run resolved are replaced at any
depth. The value handed to the next node is never redacted; whether redaction *would* touch it decides that it travels sealed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

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
# Every repetition that a text may lead astray is bounded: these run over whatever a server answered.
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^/\s:@]{1,256}:[^/\s@]{1,512}@")
_QUERY = re.compile(
    r"(?i)([?&](?:access_token|api[_-]?key|auth|key|password|pwd|secret|sig|signature|token)=)[^&#\s\"'<>]+",
)
_MASKED_BEARER = rf"\1 {MASK}"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}")
#: A text shorter than this holds none of those: most texts of a record are.
_SHORTEST_BEARER = len("basic 12345678")
_MAX_JSON_IN_STRING = 4 * 1024 * 1024
#: Nesting that is still looked through, four Python frames a level; what lies deeper is masked unseen.
_MAX_DEPTH = 120
#: A tuple and not a union: of all that happens to a value, this question comes most often.
_CONTAINERS = (dict, list, tuple)
#: A secret shorter than this would shred any text.
_MIN_SECRET = 4


@lru_cache(maxsize=4096)
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
    _known: re.Pattern[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        secrets = {spelling for value in self.values if len(value) >= _MIN_SECRET for spelling in _spellings(value)}
        if secrets:
            # Longest first, so that a secret that contains another is replaced whole.
            self._known = re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))))

    def redact(self, value: Any) -> tuple[Any, list[str]]:
        """Return ``value`` with secrets masked, and the dotted paths that were touched, sorted."""
        touched: list[str] = []
        return self._value(value, "", touched, 0), sorted(touched)

    def touches(self, value: Any) -> bool:
        """Return whether redaction would change ``value``."""
        return bool(self.redact(value)[1])

    def _value(self, value: Any, path: str, touched: list[str], depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, path, touched, depth)
        if isinstance(value, _CONTAINERS):
            if depth >= _MAX_DEPTH:
                touched.append(path)
                return MASK
            if isinstance(value, dict):
                return dict([self._member(key, item, path, touched, depth) for key, item in value.items()])
            return [self._value(item, _join(path, index), touched, depth + 1) for index, item in enumerate(value)]
        if self._known is not None and isinstance(value, (int, float)) and self._known.search(str(value)):
            touched.append(path)
            return MASK
        return value

    def _member(self, key: Any, item: Any, path: str, touched: list[str], depth: int) -> tuple[Any, Any]:
        name = self._known.sub(MASK, key) if self._known is not None and isinstance(key, str) else key
        path = _join(path, name)
        if name != key:
            touched.append(path)
        return name, self._item(str(key), item, path, touched, depth)

    def _item(self, name: str, item: Any, path: str, touched: list[str], depth: int) -> Any:
        if (_sensitive(name) or name.lower() in self.extra_keys) and item not in (None, "", [], {}) and item is not False:
            touched.append(path)
            return MASK
        return self._value(item, path, touched, depth + 1)

    def _text(self, text: str, path: str, touched: list[str], depth: int) -> str:
        result = self._known.sub(MASK, text) if self._known is not None else text
        if "://" in result:
            result = _USERINFO.sub(rf"\1{MASK}@", result)
        if "=" in result:
            result = _QUERY.sub(rf"\1{MASK}", result)
        if len(result) >= _SHORTEST_BEARER:
            result = _BEARER.sub(_MASKED_BEARER, result)
        result = self._json(result, depth)
        if result != text:
            touched.append(path)
        return result

    def _json(self, text: str, depth: int) -> str:
        """Redact JSON that travels inside a string."""
        if text.lstrip()[:1] not in {"{", "["} or len(text) > _MAX_JSON_IN_STRING:
            return text
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return text
        touched: list[str] = []
        masked = self._value(parsed, "", touched, depth + 1)
        return json.dumps(masked, ensure_ascii=False) if touched else text


def _spellings(secret: str) -> set[str]:
    """Return how a secret may stand in a text: as it is, inside JSON, inside a URL."""
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, *escaped, quote(secret, safe=""), quote_plus(secret)}


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)
