"""Regular expressions as a node."""

from __future__ import annotations

from typing import Any

from flowdrop_provider.nodes._php import regexes
from flowdrop_provider.nodes._php.values import require, to_string, truthy
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["regex_extractor"]


def _extract(pattern: Any, flags: Any, text: Any, everything: bool) -> Any:
    """Return the matches; a pattern PHP would refuse matches nothing (measured)."""
    if not truthy(pattern) or not truthy(text):
        return []
    delimited = f"/{to_string(pattern)}/{to_string(flags)}"
    subject = require("string", text, "The text")
    try:
        return regexes.match_all(delimited, subject) if everything else regexes.match_first(delimited, subject)
    except regexes.BadPatternError:
        return []


@processor(
    "regex_extractor",
    label="Regex Extractor",
    category="processing",
    description="Extracts what a regular expression (PCRE) matches.",
    parameters=[
        param("text", connectable=True),
        param("pattern", configurable=True, default="", description="Without delimiters; write / as \\/."),
        param("flags", configurable=True, default="", description="PCRE modifiers such as i, m, s, x, u."),
        param("matchAll", configurable=True, default=False),
    ],
    outputs=[
        output("matches", ["array", "object"]),
        output("pattern", "string"),
        output("flags", "string"),
        output("match_all", "boolean"),
        output("total_matches", "integer"),
    ],
)
def regex_extractor(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the groups of the first match, or of every match; a reached match limit ends the search quietly (measured).

    Without the flag ``u`` a pattern matches bytes; a match that cuts a character is no JSON value and fails the node (ERR-6).
    """
    pattern, flags = ("" if params[name] is None else params[name] for name in ("pattern", "flags"))
    match_all = False if params["matchAll"] is None else params["matchAll"]
    found = _extract(pattern, flags, params["text"], truthy(match_all))
    return {
        "matches": found,
        "pattern": pattern,
        "flags": flags,
        "match_all": match_all,
        "total_matches": len(found),
    }
