"""Twig's filters on text, numbers and dates. Parameter names are Twig's own, since templates may name arguments."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from flowdrop_provider.expressions.dates import format_moment, read_moment, read_zone
from flowdrop_provider.expressions.limits import evaluation_error
from flowdrop_provider.expressions.tree import Item, Run
from flowdrop_provider.expressions.values import (
    encode_json,
    finite,
    to_integer,
    to_number,
    to_text,
)

__all__ = ["ESCAPES", "TEXT_FILTERS", "escape_html", "strip_tags", "title_case"]

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<(?!\s)[^>]*(?:>|\Z)", re.DOTALL)
_DIRECTIVE = re.compile(r"%(?:(%)|([-+ 0]*)([0-9]{0,3})(?:\.([0-9]{1,2}))?([bcdeEfFgGosuxX]))")
#: A pair is tried at every place of the text, so it weighs more than an item.
_PAIR_COST = 100
_WHITESPACE = " \t\n\r\0\x0b"


def escape_html(text: str) -> str:
    """Escape ``& < > " '`` as Twig does."""
    return html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&#039;")


def _escape_script(text: str) -> str:
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in ",._") else f"\\u{ord(letter):04X}" for letter in text
    )


#: Escaping strategies by name; ``{% autoescape 'js' %}`` and ``|escape('js')``.
ESCAPES: Mapping[str, Callable[[str], str]] = {
    "html": escape_html,
    "js": _escape_script,
    "url": lambda text: quote(text, safe="-._~"),
}


def strip_tags(text: str) -> str:
    """Remove HTML tags and comments, as PHP's ``strip_tags``; a ``<`` before a space is text."""
    return _TAG.sub("", text)


def title_case(text: str) -> str:
    """Upper-case the first letter of each word, lower-case the others."""
    return _WORD.sub(lambda match: match.group()[0].upper() + match.group()[1:].lower(), text)


def _escape(_run: Run, value: Any, strategy: Any = "html", charset: Any = None) -> str:  # noqa: ARG001 -- UTF-8 always
    if not isinstance(strategy, str) or strategy not in ESCAPES:
        raise evaluation_error(f"Unknown escaping strategy {strategy!r}.", f"Known: {', '.join(ESCAPES)}.")
    return ESCAPES[strategy](to_text(value))


def _trim(_run: Run, value: Any, character_mask: Any = None, side: Any = "both") -> str:
    text = to_text(value)
    mask = _WHITESPACE if character_mask is None else to_text(character_mask)
    strips: dict[Any, Callable[[str], str]] = {"both": text.strip, "left": text.lstrip, "right": text.rstrip}
    if side not in strips:
        raise evaluation_error("The side is 'both', 'left' or 'right'.")
    return strips[side](mask)


def _replace(run: Run, value: Any, pairs: Any = None) -> str:
    text = to_text(value)
    if not isinstance(pairs, dict):
        raise evaluation_error("The replacements must be a map.")
    known = {key: to_text(replacement) for key, replacement in pairs.items() if key}
    if not known:
        return text
    run.budget.items(len(known) * _PAIR_COST)
    room = len(text)

    def put(match: re.Match[str]) -> str:
        nonlocal room
        room += len(known[match.group()])
        run.budget.text(room)
        return known[match.group()]

    return re.sub("|".join(map(re.escape, sorted(known, key=len, reverse=True))), put, text)


def _split(run: Run, value: Any, delimiter: Any = "", limit: Any = None) -> list[str]:
    text, separator = to_text(value), to_text(delimiter)
    run.budget.items(text.count(separator) if separator else len(text))
    count = None if limit is None else to_integer(limit)
    if not separator:
        size = max(count or 1, 1)
        return [text[start : start + size] for start in range(0, len(text), size)]
    if count is None or count > 0:
        return text.split(separator, -1 if count is None else count - 1)
    parts = text.split(separator)
    return parts[:count] if count else [text]


def _url_encode(_run: Run, value: Any) -> str:
    if isinstance(value, dict):
        return "&".join(f"{quote(key, safe='-._~')}={quote(to_text(item), safe='-._~')}" for key, item in value.items())
    return quote(to_text(value), safe="-._~")


def _new_lines(_run: Run, value: Any) -> str:
    return re.sub(r"\r\n|\n\r|\n|\r", lambda match: "<br />" + match.group(), escape_html(to_text(value)))


def _number_format(run: Run, value: Any, decimal: Any = 0, decimal_point: Any = ".", thousand_sep: Any = ",") -> str:
    places = min(max(to_integer(decimal), 0), 50)
    whole, _, fraction = f"{abs(_rounded(run, value, places)):,.{places}f}".partition(".")
    digits = whole.replace(",", to_text(thousand_sep)) + (to_text(decimal_point) + fraction if places else "")
    negative = to_number(value) < 0 and any(digit in "123456789" for digit in digits)
    return f"-{digits}" if negative else digits


def _half_away(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number)


_ROUNDINGS: Mapping[Any, Callable[[float], float]] = {"common": _half_away, "ceil": math.ceil, "floor": math.floor}


def _rounded(_run: Run, value: Any, precision: Any = 0, method: Any = "common") -> int | float:
    number, places = to_number(value), min(max(to_integer(precision), -300), 300)
    if method not in _ROUNDINGS:
        raise evaluation_error("The method is 'common', 'ceil' or 'floor'.")
    scale = 10.0 ** abs(places)
    scaled = number * scale if places >= 0 else number / scale
    if not math.isfinite(scaled) or abs(scaled) >= 2**52:
        return number
    # A value such as 1.005 * 100 lands just below the half: PHP rounds it as if it were exact.
    steady = _ROUNDINGS[method](float(f"{scaled:.15g}"))
    return finite(steady / scale if places >= 0 else steady * scale)


def _date(run: Run, value: Any = None, format: Any = "F j, Y H:i", timezone: Any = None) -> str:  # noqa: A002 -- Twig's name
    moment = read_moment(value, run.now)
    if timezone is not False:
        moment = moment.astimezone(read_zone(timezone or "UTC"))
    return format_moment(moment, to_text(format))


def _sprintf(run: Run, value: Any, *values: Any) -> str:
    arguments = iter(values)

    def fill(match: re.Match[str]) -> str:
        if match.group(1):
            return "%"
        argument = next(arguments, None)
        run.budget.text(len(to_text(argument)) + int(match.group(3) or 0))
        return _directive(argument, *match.groups("")[1:])

    return _DIRECTIVE.sub(fill, to_text(value))


def _directive(argument: Any, flags: str, width: str, precision: str, kind: str) -> str:
    if kind == "b":
        return f"{to_integer(argument):b}".rjust(int(width or 0), "0" if "0" in flags else " ")
    if kind == "c":
        return chr(to_integer(argument) % 0x110000)
    spec = f"%{flags}{width}" + (f".{precision}" if precision else "") + {"u": "d"}.get(kind, kind)
    if kind == "s":
        return spec % to_text(argument)
    return spec % (to_integer(argument) if kind in "duoxX" else float(to_number(argument)))


def _json(run: Run, value: Any, options: Any = 0) -> str:
    run.budget.weigh(value)
    return encode_json(value, to_integer(options))


def _capitalize(_run: Run, value: Any) -> str:
    text = to_text(value)
    return text[:1].upper() + text[1:].lower()


def _absolute(_run: Run, value: Any) -> Any:
    return finite(abs(to_number(value)))


def _spaceless(_run: Run, value: Any) -> str:
    return re.sub(r">\s+<", "><", to_text(value)).strip()


TEXT_FILTERS: Mapping[str, Item] = {
    "abs": _absolute,
    "capitalize": _capitalize,
    "date": _date,
    "e": _escape,
    "escape": _escape,
    "format": _sprintf,
    "json_encode": _json,
    "lower": lambda _run, value: to_text(value).lower(),
    "nl2br": _new_lines,
    "number_format": _number_format,
    "raw": lambda _run, value: value,
    "replace": _replace,
    "round": _rounded,
    "spaceless": _spaceless,
    "split": _split,
    "striptags": lambda _run, value, allowable_tags=None: strip_tags(to_text(value)),  # noqa: ARG005
    "title": lambda _run, value: title_case(to_text(value)),
    "trim": _trim,
    "upper": lambda _run, value: to_text(value).upper(),
    "url_encode": _url_encode,
}
