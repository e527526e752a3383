"""Reading moments and writing them in PHP's date format, as Twig's ``date`` does."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from flowdrop_provider.expressions.limits import evaluation_error
from flowdrop_provider.expressions.values import numeric

__all__ = ["format_moment", "read_moment", "read_zone"]

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_DAY = dt.timedelta(days=1)
_WORDS = {"today": 0, "midnight": 0, "tomorrow": 1, "yesterday": -1}
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}


def read_zone(name: Any) -> dt.tzinfo:
    """Return a time zone by its IANA name.

    :raises ExpressionError: when there is no such zone.
    """
    try:
        return ZoneInfo(name) if isinstance(name, str) and name.isprintable() else _no_zone(name)
    except (LookupError, ValueError, OSError):
        return _no_zone(name)


def _no_zone(name: Any) -> dt.tzinfo:
    raise evaluation_error(f"There is no time zone {str(name)[:60]!r}.", "Use a name such as Europe/Zurich.")


def read_moment(value: Any, now: dt.datetime) -> dt.datetime:
    """Return the aware moment a value stands for: a Unix timestamp, an ISO 8601 or RFC 2822 text, or a word.

    Words are ``now``, ``today``, ``midnight``, ``tomorrow``, ``yesterday``; null and empty text mean now. A text without
    an offset is taken as UTC.

    :raises ExpressionError: for anything else.
    """
    if isinstance(value, dt.datetime):
        return value
    if value is None or value == "":
        return now
    timestamp = numeric(value)
    try:
        if timestamp is not None and not isinstance(value, bool):
            return dt.datetime.fromtimestamp(timestamp, dt.timezone.utc)
        return _read_text(value, now) if isinstance(value, str) else _unreadable(value)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return _unreadable(value)


def _unreadable(value: Any) -> dt.datetime:
    raise evaluation_error(f"{str(value)[:60]!r} is not a date.", "Use an ISO 8601 date or a Unix timestamp.")


def _read_text(text: str, now: dt.datetime) -> dt.datetime:
    word = text.strip().lower()
    if word == "now":
        return now
    if word in _WORDS:
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + _WORDS[word] * _DAY
    match = _ISO.fullmatch(text.strip())
    if match is None:
        moment = parsedate_to_datetime(text[:100])
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    microsecond = int((match.group(7) or "0").ljust(6, "0")[:6])
    return dt.datetime(year, month, day, hour, minute, second, microsecond, _offset(match.group(8)))


def _offset(text: str | None) -> dt.tzinfo:
    if text is None or text[0] not in "+-":
        return dt.timezone.utc
    digits = text[1:].replace(":", "")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return dt.timezone(-offset if text[0] == "-" else offset)


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _ordinal(moment: dt.datetime) -> str:
    return "th" if 11 <= moment.day <= 13 else _SUFFIXES.get(moment.day % 10, "th")


def _leap(moment: dt.datetime) -> bool:
    return moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)


def _month_days(moment: dt.datetime) -> int:
    following = moment.replace(day=28) + 4 * _DAY
    return (following - following.day * _DAY).day


def _colon_offset(moment: dt.datetime) -> str:
    text = moment.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def _zone_name(moment: dt.datetime) -> str:
    return getattr(moment.tzinfo, "key", None) or moment.tzname() or "UTC"


def _swatch(moment: dt.datetime) -> int:
    utc = moment.astimezone(dt.timezone.utc)
    return int(((utc.hour + 1) * 3600 + utc.minute * 60 + utc.second) / 86.4) % 1000


_LETTERS: dict[str, Callable[[dt.datetime], Any]] = {
    "d": lambda m: f"{m.day:02}",
    "D": lambda m: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][m.weekday()],
    "j": lambda m: m.day,
    "l": lambda m: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][m.weekday()],
    "N": lambda m: m.isoweekday(),
    "S": _ordinal,
    "w": lambda m: m.isoweekday() % 7,
    "z": lambda m: m.timetuple().tm_yday - 1,
    "W": lambda m: f"{m.isocalendar()[1]:02}",
    "F": lambda m: _MONTHS[m.month - 1],
    "m": lambda m: f"{m.month:02}",
    "M": lambda m: _MONTHS[m.month - 1][:3],
    "n": lambda m: m.month,
    "t": _month_days,
    "L": lambda m: int(_leap(m)),
    "o": lambda m: m.isocalendar()[0],
    "Y": lambda m: f"{m.year:04}",
    "y": lambda m: f"{m.year % 100:02}",
    "a": lambda m: "am" if m.hour < 12 else "pm",
    "A": lambda m: "AM" if m.hour < 12 else "PM",
    "B": lambda m: f"{_swatch(m):03}",
    "g": lambda m: m.hour % 12 or 12,
    "G": lambda m: m.hour,
    "h": lambda m: f"{m.hour % 12 or 12:02}",
    "H": lambda m: f"{m.hour:02}",
    "i": lambda m: f"{m.minute:02}",
    "s": lambda m: f"{m.second:02}",
    "u": lambda m: f"{m.microsecond:06}",
    "v": lambda m: f"{m.microsecond // 1000:03}",
    "e": _zone_name,
    "I": lambda m: int(bool(m.dst())),
    "O": lambda m: m.strftime("%z"),
    "P": _colon_offset,
    "p": lambda m: "Z" if not m.utcoffset() else _colon_offset(m),
    "T": lambda m: m.tzname() or "UTC",
    "Z": lambda m: int((m.utcoffset() or dt.timedelta()).total_seconds()),
    "c": lambda m: format_moment(m, r"Y-m-d\TH:i:sP"),
    "r": lambda m: format_moment(m, "D, d M Y H:i:s O"),
    "U": lambda m: int(m.timestamp()),
}


def format_moment(moment: dt.datetime, pattern: str) -> str:
    """Write an aware moment in PHP's ``date()`` letters; a backslash takes the next letter as it stands."""
    written: list[str] = []
    letters = iter(pattern[:1000])
    for letter in letters:
        if letter == "\\":
            written.append(next(letters, ""))
        else:
            written.append(str(_LETTERS[letter](moment)) if letter in _LETTERS else letter)
    return "".join(written)
