"""The views with FAB as auth manager: its own form to sign in by, and its roles decide what is offered."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from devtools.processes import spawn, stop, tail
from devtools.settings import LOCALHOST, free_ports
from tests.browser.conftest import FLOWS, PATIENCE_MS, Complaints
from tests.browser.test_views import card, drawer

pytest.importorskip("airflow.providers.fab", reason="the FAB auth manager is not installed")
playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

PROGRAM = Path(__file__).parents[1] / "plugins" / "fab_users.py"
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PASSWORD = "for this test only"
TICKET, *_ = FLOWS
LOOKS = [
    ["can_read", name] for name in ("Website", "DAGs", "DAG Runs", "DAG Versions", "Task Instances", "XComs", "Plugins")
]  # fmt: skip
USERS = {
    "looks": LOOKS,
    "edits": [
        *LOOKS,
        ["can_edit", "DAGs"],
        ["can_create", "DAG Runs"],
        ["can_edit", "DAG Runs"],
        ["can_edit", "Task Instances"],
    ],
}


@pytest.fixture(scope="module")
def fab(site):
    """The address of one more API server over the session's database, with FAB; FAB makes its tables itself."""
    server = site.harness.server
    (port,) = free_ports(1)
    environment = server.environment | {
        "AIRFLOW__CORE__AUTH_MANAGER": MANAGER,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
    }
    users = json.dumps({name: {"password": PASSWORD, "rights": rights} for name, rights in USERS.items()})
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], input=users, env=environment, text=True, capture_output=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = server.log("api-server-fab")
    service = spawn("api-server-fab", server.command("api-server"), cwd=server.home, env=environment, log=log)
    try:
        deadline = time.monotonic() + 180
        while not _answers(port):
            service.check()
            assert time.monotonic() < deadline, tail(log)
            time.sleep(0.5)
        yield f"http://localhost:{port}"
    finally:
        stop([service])


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://{LOCALHOST}:{port}/api/v2/version", timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def signed_in(chromium, fab):
    """Return a function that signs somebody in by FAB's form and gives the page; none may have complained about a script."""
    opened = []

    def sign_in(name: str):
        context = chromium.new_context(base_url=fab, viewport={"width": 1440, "height": 900})
        page = context.new_page()
        context.set_default_timeout(PATIENCE_MS)
        page.goto("/auth/login/?next=/")
        page.get_by_label("Username").fill(name)
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("[type=submit]").click()
        expect(page.get_by_role("link", name="FlowDrop")).to_be_visible()
        opened.append((context, Complaints(page)))  # from here on: FAB's form has an error of its own
        return page

    yield sign_in
    found = [complaint for _, complaints in opened for complaint in complaints.so_far()]
    for context, _ in opened:
        context.close()
    # What Airflow's own page asks for besides, these people may not see.
    assert [text for text in found if "status of 403" not in text] == []


def reach_the_run(page, site) -> None:
    """Go from the list of all runs to the one that failed."""
    page.get_by_role("link", name="FlowDrop").first.click()
    place = site.run_path(TICKET).partition("/plugin")[0]
    page.locator(f'tbody a[href*="{place}"]').first.click()
    expect(card(page, "Score per open ticket")).to_have_attribute("data-status", "failed")
    expect(drawer(page, "Score per open ticket")).to_contain_text("Division by zero")
    expect(page.get_by_role("button", name="Compare")).to_be_visible()


@pytest.mark.long
def test_a_viewer_of_fab_sees_a_run_and_is_offered_nothing_that_changes_it(signed_in, site):
    page = signed_in("looks")
    with page.expect_response(re.compile("/flowdrop/api/v1/rights")):
        reach_the_run(page, site)
    page.wait_for_load_state("networkidle")
    for name in ("Retry failed", "Re-run", "Re-run from here", "Pin output", "Stop"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)


@pytest.mark.long
def test_an_editor_of_fab_is_offered_it(signed_in, site):
    page = signed_in("edits")
    reach_the_run(page, site)
    for name in ("Retry failed", "Re-run", "Re-run from here", "Pin output"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
