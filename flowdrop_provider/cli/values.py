"""JSON arguments: written out, or read from a file with ``@``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowdrop_provider.errors import LaunchError

__all__ = ["json_argument"]


def json_argument(text: str | None, option: str) -> dict[str, Any] | None:
    """Return the JSON object of an option, ``None`` when it was not given; PHP's empty list counts as an empty object.

    :raises LaunchError: ``LAUNCH_MALFORMED`` when the text is no JSON object or the file cannot be read.
    """
    if text is None:
        return None
    try:
        value = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except (OSError, ValueError, RecursionError) as error:
        raise _malformed(option, f"is not JSON: {error}") from error
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise _malformed(option, "must be a JSON object")
    return value


def _malformed(option: str, problem: str) -> LaunchError:
    return LaunchError(
        f"The value of {option} {problem}.",
        code="LAUNCH_MALFORMED",
        locator=option,
        hint='Write {"name": "value"}, or @file to read it from a file.',
    )
