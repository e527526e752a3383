"""``DateTimeZone`` and ``DateTime::format``: PHP's date letters and its three kinds of time zone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from flowdrop_provider.errors import NodeError

__all__ = ["Zone", "format_date", "parse_zone"]

_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?(?::?(\d{2}))?")
#: Abbreviation -> (hours, daylight saving); those people write in a form. IANA names such as EST win below.
_ABBREVIATIONS: dict[str, tuple[float, bool]] = {
    "z": (0, False), "utc": (0, False), "gmt": (0, False), "wet": (0, False), "west": (1, True),
    "bst": (1, True), "cet": (1, False), "cest": (2, True), "eet": (2, False), "eest": (3, True), "msk": (3, False),
    "ist": (5.5, False), "jst": (9, False), "kst": (9, False), "aest": (10, False), "aedt": (11, True),
    "nzst": (12, False), "nzdt": (13, True), "est": (-5, False), "edt": (-4, True), "cst": (-6, False),
    "cdt": (-5, True), "mst": (-7, False), "mdt": (-6, True), "pst": (-8, False), "pdt": (-7, True),
    "akst": (-9, False), "akdt": (-8, True), "hst": (-10, False),
}  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as PHP keeps it: ``name`` as written, and an abbreviation of its own unless the region gives one."""

    name: str
    tzinfo: dt.tzinfo
    abbreviation: str | None = None
    daylight: bool | None = None


def parse_zone(name: str) -> Zone:
    """Return the zone for an offset (``+05:30``), an abbreviation (``EST``) or a region in any case.

    Raises a node-level error for anything else, as ``new DateTimeZone`` throws.
    """
    offset = _OFFSET.fullmatch(name)
    if offset:
        return _offset_zone(offset)
    if name.lower() in _ABBREVIATIONS:
        hours, daylight = _ABBREVIATIONS[name.lower()]
        return Zone(name.upper(), dt.timezone(dt.timedelta(hours=hours)), name.upper(), daylight)
    try:
        return Zone(name, ZoneInfo(_regions().get(name.lower(), "")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"Unknown or bad timezone ({name})."
        raise NodeError(message, code="invalid_timezone", hint="Use a name such as Europe/Berlin.") from None


@cache
def _regions() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _offset_zone(match: re.Match[str]) -> Zone:
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    if hours > 23 or minutes > 59:
        raise NodeError(f"Timezone offset is out of range ({match[0]}).", code="invalid_timezone")
    delta = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    name = f"{match[1]}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
    return Zone(name, dt.timezone(-delta if match[1] == "-" else delta), f"GMT{match[1]}{hours:02}{minutes:02}", False)


def _offset_text(moment: dt.datetime, separator: str) -> str:
    seconds = int((moment.utcoffset() or dt.timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{separator}{minutes:02}"


def _suffix(moment: dt.datetime) -> str:
    if 11 <= moment.day <= 13:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(moment.day % 10, "th")


def _leap(moment: dt.datetime) -> bool:
    return moment.year % 4 == 0 and (moment.year % 100 != 0 or moment.year % 400 == 0)


def _days_in_month(moment: dt.datetime) -> int:
    return (28 + _leap(moment)) if moment.month == 2 else 30 + (moment.month + moment.month // 8) % 2


def _swatch(moment: dt.datetime) -> str:
    # Swatch beats count a thousandth of a day, in Biel (UTC+1) all year.
    return f"{int((moment.timestamp() + 3600) % 86400 / 86.4) % 1000:03}"


def _abbreviation(moment: dt.datetime, zone: Zone) -> str:
    return zone.abbreviation or moment.tzname() or ""


def _is_daylight(moment: dt.datetime, zone: Zone) -> str:
    return str(int(bool(moment.dst()) if zone.daylight is None else zone.daylight))


def _zulu_offset(moment: dt.datetime, zone: Zone) -> str:
    return "Z" if not moment.utcoffset() and zone.name != "+00:00" else _offset_text(moment, ":")


_LETTERS: dict[str, Callable[[dt.datetime, Zone], str]] = {
    "d": lambda m, _: f"{m.day:02}",
    "D": lambda m, _: _DAYS[m.weekday()][:3],
    "j": lambda m, _: str(m.day),
    "l": lambda m, _: _DAYS[m.weekday()],
    "N": lambda m, _: str(m.isoweekday()),
    "S": lambda m, _: _suffix(m),
    "w": lambda m, _: str(m.isoweekday() % 7),
    "z": lambda m, _: str(m.timetuple().tm_yday - 1),
    "W": lambda m, _: f"{m.isocalendar()[1]:02}",
    "F": lambda m, _: _MONTHS[m.month - 1],
    "m": lambda m, _: f"{m.month:02}",
    "M": lambda m, _: _MONTHS[m.month - 1][:3],
    "n": lambda m, _: str(m.month),
    "t": lambda m, _: str(_days_in_month(m)),
    "L": lambda m, _: str(int(_leap(m))),
    "o": lambda m, _: str(m.isocalendar()[0]),
    "Y": lambda m, _: f"{m.year:04}",
    "y": lambda m, _: f"{m.year % 100:02}",
    "X": lambda m, _: f"+{m.year:04}",
    "x": lambda m, _: f"{m.year:04}",
    "a": lambda m, _: "am" if m.hour < 12 else "pm",
    "A": lambda m, _: "AM" if m.hour < 12 else "PM",
    "B": lambda m, _: _swatch(m),
    "g": lambda m, _: str(m.hour % 12 or 12),
    "G": lambda m, _: str(m.hour),
    "h": lambda m, _: f"{m.hour % 12 or 12:02}",
    "H": lambda m, _: f"{m.hour:02}",
    "i": lambda m, _: f"{m.minute:02}",
    "s": lambda m, _: f"{m.second:02}",
    "u": lambda m, _: f"{m.microsecond:06}",
    "v": lambda m, _: f"{m.microsecond // 1000:03}",
    "e": lambda _, zone: zone.name,
    "I": _is_daylight,
    "O": lambda m, _: _offset_text(m, ""),
    "P": lambda m, _: _offset_text(m, ":"),
    "p": _zulu_offset,
    "T": _abbreviation,
    "Z": lambda m, _: str(int((m.utcoffset() or dt.timedelta()).total_seconds())),
    "c": lambda m, zone: format_date(m, zone, "Y-m-d\\TH:i:sP"),
    "r": lambda m, zone: format_date(m, zone, "D, d M Y H:i:s O"),
    "U": lambda m, _: str(int(m.timestamp())),
}


def format_date(moment: dt.datetime, zone: Zone, pattern: str) -> str:
    """Return ``$date->format($pattern)`` for an aware moment; a backslash takes the next letter as it is.

    A backslash at the very end prints a NUL, as PHP's does (measured).
    """
    local = moment.astimezone(zone.tzinfo)
    pieces: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if letter == "\\":
            pieces.append(next(letters, "\0"))
        else:
            render = _LETTERS.get(letter)
            pieces.append(render(local, zone) if render else letter)
    return "".join(pieces)
