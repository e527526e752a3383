"""What to change in a deployment and why: pure checks over facts that somebody else has gathered.

A check never looks anything up. What could not be found out is ``unknown`` with the reason, and never counted as fine. Ids and
the shape of the report are stable; ``docs/operating.md`` has them.
"""

from __future__ import annotations

from typing import Any

from flowdrop_provider.library.checkup.around import AROUND
from flowdrop_provider.library.checkup.facts import LEVELS, Check, Facts
from flowdrop_provider.library.checkup.settings import SETTINGS

__all__ = ["Check", "Facts", "examine", "report"]


def examine(facts: Facts) -> list[Check]:
    """Return every check's verdict, in a fixed order."""
    return [check for look in (*AROUND, *SETTINGS) for check in look(facts)]


def report(facts: Facts) -> dict[str, Any]:
    """Return ``{level, counts, connected, versions, checks}``; ``level`` is the worst of all checks."""
    checks = examine(facts)
    counts = {level: sum(check.level == level for check in checks) for level in LEVELS}
    worst = next(level for level in reversed(LEVELS) if counts[level] or level == LEVELS[0])
    return {
        "level": worst,
        "counts": counts,
        "connected": facts.connected,
        "versions": dict(facts.versions),
        "checks": [check.as_dict() for check in checks],
    }
