from __future__ import annotations

from devtools.config_docs import PAGE, with_table


def test_the_page_shows_the_settings_as_they_are():
    text = PAGE.read_text("utf-8")

    assert with_table(text) == text, "run python -m devtools.config_docs"
