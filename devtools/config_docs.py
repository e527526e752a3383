"""Writes the table of settings in ``docs/configuration.md``: ``python -m devtools.config_docs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flowdrop_provider.get_provider_info import get_provider_info

__all__ = ["PAGE", "settings_table", "with_table"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
START, END = "<!-- settings: written by devtools.config_docs -->", "<!-- end of settings -->"


def settings_table() -> str:
    """Return the settings of ``[flowdrop]`` as a Markdown table: name, type, default, meaning."""
    options: dict[str, dict[str, Any]] = get_provider_info()["config"]["flowdrop"]["options"]
    rows = [
        f"| `{name}` | {option['type']} | {_shown(option)} | {option['description']} |"
        for name, option in sorted(options.items())
    ]
    return "\n".join(["| setting | type | default | meaning |", "|---|---|---|---|", *rows])


def _shown(option: dict[str, Any]) -> str:
    return f"`{option['default']}`" if option["default"] not in ("", None) else ""


def with_table(text: str) -> str:
    """Return a page with its table of settings renewed."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{settings_table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8")), "utf-8")
