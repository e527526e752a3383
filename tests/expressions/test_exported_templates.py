"""The templates and paths of real exports, read in place."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import twig
from flowdrop_provider.expressions.configured import configured_expressions, invalid_expressions

SHARED = Path(os.environ.get("FLOWDROP_SHARED", Path(__file__).parents[3] / "shared")) / "exports"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no sample exports: set FLOWDROP_SHARED")

#: Functions that a site's own modules register; elsewhere a template that calls one cannot compile.
SITE_FUNCTIONS = ("component_catalog", "install_capabilities")
CONTEXT = {
    "images": [{"title": "A & B", "date": "2026-01-05", "url": "/a?b&c"}, {"title": "C", "date": "2025-01-05"}],
    "albums": [{"id": "1", "title": "Sea", "year": 2020}, {"id": "2", "title": "Hills"}],
    "filters": {"sort": "oldest"},
    "total": 2,
    "name": 'Zürich "Nord"',
    "wx": {
        "current": {"temperature_2m": 18.0, "weather_code": 3, "wind_speed_10m": 4.5},
        "daily": {
            "time": ["2026-01-05", "2026-01-06"],
            "temperature_2m_min": [1, 2],
            "temperature_2m_max": [3, 4],
            "weather_code": [999, 0],
        },
    },
}


def _nodes():
    for path in sorted(SHARED.glob("*/*")):
        if path.suffix in (".yml", ".json"):
            document = (yaml.safe_load if path.suffix == ".yml" else json.loads)(path.read_text())
            for node in document.get("nodes") or [] if isinstance(document, dict) else []:
                data = node.get("data") or {}
                metadata = data.get("metadata") or {}
                type_id = metadata.get("node_type_id") or metadata.get("id") or ""
                yield path.name, type_id, data.get("config") or {}


EXPRESSIONS = [
    pytest.param(type_id, found, id=f"{name}-{found.path}")
    for name, type_id, config in (_nodes() if SHARED.is_dir() else ())
    for found in configured_expressions(type_id, config)
]


def test_the_exports_have_templates():
    assert len(EXPRESSIONS) > 15


@pytest.mark.rule("LANG-7", "LANG-13")
@pytest.mark.parametrize(("type_id", "found"), EXPRESSIONS)
def test_every_expression_validates_and_every_template_renders(type_id, found):
    config = {found.path: found.expression, "engine": found.engine}
    missing = [name for name in SITE_FUNCTIONS if f"{name}(" in found.expression]
    if missing:
        with pytest.raises(ExpressionError, match=missing[0]) as caught:
            twig.validate(found.expression)
        assert caught.value.code == "EXPR_SYNTAX"
        return
    assert invalid_expressions(type_id, config) == []
    if found.engine == "twig":
        text = twig.render(found.expression, CONTEXT)
        verbatim = "verbatim" in found.expression
        assert verbatim or not re.search(r"\{%|\{\{", text), text


def test_the_weather_envelope_is_json():
    (template,) = [
        p.values[1].expression
        for p in EXPRESSIONS
        if "__widget__" in p.values[1].expression and "autoescape" in p.values[1].expression
    ]
    envelope = json.loads(twig.render(template, CONTEXT))["payload"]
    assert envelope["id"] == 'weather-zürich-"nord"'
    assert envelope["current"] == {
        "temperature": 18, "tempMin": 1, "tempMax": 3, "conditionCode": "overcast", "windSpeed": 4.5
    }  # fmt: skip
    assert [(day["label"], day["conditionCode"]) for day in envelope["forecast"]] == [("Mon", "cloudy"), ("Tue", "clear")]


def test_the_photo_list_sorts_escapes_and_formats():
    (template,) = [p.values[1].expression for p in EXPRESSIONS if "images|sort" in p.values[1].expression]
    text = twig.render(template, CONTEXT)
    assert text.startswith("**2 photos match** · showing 2, oldest first")
    assert text.index("5 Jan 2025") < text.index("5 Jan 2026")
    assert 'href="/a?b&amp;c"' in text
    assert 'alt="A &amp; B"' in text
