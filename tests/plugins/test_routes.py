"""Every route says who may call it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flowdrop_provider.plugins.api.app import PREFIX, create_app
from flowdrop_provider.plugins.api.security import ACCESS_MARK

#: Routes that everybody may call.
OPEN = {f"{PREFIX}/health", f"{PREFIX}/system/health"}
#: Writing routes that change nothing, so that there is nothing to audit.
CHANGES_NOTHING = {
    f"{PREFIX}/workflows/validate",
    f"{PREFIX}/workflows",
    f"{PREFIX}/workflows/import",
    f"{PREFIX}/workflows/{{id}}",
}


def calls(dependant):
    for inner in dependant.dependencies:
        yield inner.call
        yield from calls(inner)


def routes():
    return [route for route in create_app().routes if getattr(route, "dependant", None) is not None]


ROUTES = routes()


@pytest.mark.rule("PIPE-6")
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{'/'.join(route.methods)} {route.path}")
def test_every_route_has_an_authorisation_of_its_own(route):
    marks = {mark for call in calls(route.dependant) if (mark := getattr(call, ACCESS_MARK, None))}

    assert marks, "nothing decides who may call this route"
    assert ("open" in marks) == (route.path in OPEN)
    if not route.methods <= {"GET", "HEAD"} and route.path not in CHANGES_NOTHING:
        assert any(mark.split()[0] in ("POST", "PUT", "DELETE") for mark in marks), "a right to read is not enough to write"
        assert any(getattr(call, "__qualname__", "").startswith("audited.") for call in calls(route.dependant)), (
            "nothing is audited"
        )


def test_there_are_routes_to_walk():
    assert len(ROUTES) > 35
    assert {route.path for route in ROUTES if not route.path.startswith(PREFIX)} == {"/metrics"}


def test_no_route_blocks_the_event_loop():
    import inspect

    assert [route.path for route in ROUTES if inspect.iscoroutinefunction(route.endpoint)] == []
    ours = {call for route in ROUTES for call in calls(route.dependant) if "flowdrop" in getattr(call, "__module__", "")}
    # These wait for the body, for time and for a slot, and ask no database.
    waiting = {call.__qualname__ for call in ours if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)}
    assert waiting == {"body_of", "_settle", "_slot", "_awaited"}


def test_the_plugin_imports_nothing_heavy():
    program = (
        "import sys, airflow.plugins_manager\n"
        "before = set(sys.modules)\n"
        "from flowdrop_provider.plugins.flowdrop_plugin import FlowDropPlugin\n"
        "assert FlowDropPlugin.fastapi_apps[0]['url_prefix'] == '/flowdrop'\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = eval(done.stdout.splitlines()[-1])

    assert not [name for name in loaded if name.split(".")[0] in ("fastapi", "sqlalchemy", "pydantic")]
    assert "flowdrop_provider.plugins.api.app" not in loaded
