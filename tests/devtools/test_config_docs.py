from __future__ import annotations

from devtools.config_docs import PAGE, with_table
from flowdrop_provider.get_provider_info import get_provider_info


def test_the_page_shows_the_settings_as_they_are():
    text = PAGE.read_text("utf-8")

    assert with_table(text) == text, "run python -m devtools.config_docs"


def test_airflow_can_format_every_default():
    """Airflow formats the defaults of all providers when it starts; a lone brace in one stops every command."""
    options = get_provider_info()["config"]["flowdrop"]["options"]

    assert {name: option["default"].format() for name, option in options.items()} == {
        name: option["default"] for name, option in options.items()
    }
