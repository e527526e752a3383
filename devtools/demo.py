"""``make demo``: start an Airflow, run one FlowDrop workflow before your eyes, and stay up until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx
import psutil

from devtools.airflow_server import ADMIN, EmbeddedAirflow, is_running, read_state
from devtools.client import AirflowClient
from devtools.follow import follow
from devtools.processes import ServiceError, tail
from devtools.settings import DEFAULT_PORT, Bundle, flowdrop_bundle

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".flowdrop" / "demo"
_WORKFLOW_TIMEOUT = 90.0
_RUN_TIMEOUT = 180.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Someone asked the demo to end: Ctrl-C, a closed terminal, ``make stop``. Not an error, so nothing may swallow it."""


class Progress:
    """Writes lines with the seconds since the start in front."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def step(self, text: str) -> None:
        """Write one step, at once even into a pipe."""
        print(f"[{self.seconds:5.1f} s] {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns 0 when the run succeeded (or the demo was stopped after it), else 1."""
    options = _parser().parse_args(arguments)
    if options.stop:
        return stop_running(options.home)
    if options.detach:
        return _detach(options)
    try:
        with stop_signals():
            return _run(options)
    except StopRequested:
        return 0
    except (ServiceError, TimeoutError, httpx.HTTPError) as error:
        print(f"\nThe demo could not go on: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run the workflow, print the result and stop")
    parser.add_argument("--detach", action="store_true", help="stay up in the background (stop with: make stop)")
    parser.add_argument("--stop", action="store_true", help="stop a demo that runs")
    parser.add_argument("--dag-id", default="flowdrop_conditional_greeting", help="the workflow's DAG id")
    parser.add_argument("--conf", type=json.loads, default={"message": "hello there"}, help="the run's input as JSON")
    parser.add_argument("--workflows", type=Path, default=ROOT / "dags" / "workflows", help="folder with FlowDrop exports")
    parser.add_argument("--home", type=Path, default=HOME, help="folder for everything the demo writes")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the user interface, another when taken")
    return parser


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn the signals that end a program into :class:`StopRequested`, once: what comes later must not disturb the stopping."""

    def request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise StopRequested

    for number in _STOP_SIGNALS:
        signal.signal(number, request_stop)
    yield


def _run(options: argparse.Namespace) -> int:
    progress = Progress()
    progress.step("starting Airflow (the first time also creates its database)")
    server = EmbeddedAirflow(options.home, bundles(options.workflows), port=options.port, report=progress.step)
    try:
        server.start()
        code = _show_one_run(server, options, progress)
        if options.once:
            return code
        server.start_service("triggerer")
        _stay(server)
    finally:
        print("Stopping Airflow ...", flush=True)
        server.stop()
        progress.step("stopped, nothing left running")


def bundles(workflows: Path) -> list[Bundle]:
    """Return the DAG bundles of the demo: the exports in one folder."""
    return [flowdrop_bundle(workflows.resolve())]


def _show_one_run(server: EmbeddedAirflow, options: argparse.Namespace, progress: Progress) -> int:
    client = server.client()
    _wait_for_workflow(server, client, options.dag_id)
    progress.step(f"workflows found: {len(client.dag_ids())}; running {options.dag_id} with {json.dumps(options.conf)}")
    run_id = client.trigger(options.dag_id, options.conf)
    run = follow(client, options.dag_id, run_id, lambda line: print(line, flush=True), _RUN_TIMEOUT)
    summary = client.summary(options.dag_id, run_id)
    progress.step(
        f"the run {summary.get('status', run['state'])}: {json.dumps(summary.get('outputs', {}), ensure_ascii=False)}"
    )
    print(_farewell(server, client, options, run_id), flush=True)
    return 0 if run["state"] == "success" else 1


def _wait_for_workflow(server: EmbeddedAirflow, client: AirflowClient, dag_id: str) -> None:
    deadline = time.monotonic() + _WORKFLOW_TIMEOUT
    while dag_id not in client.dag_ids():
        server.check()
        if time.monotonic() > deadline:
            raise ServiceError(f"The workflow {dag_id} did not appear.\n{_why_missing(server, client)}")
        time.sleep(0.2)


def _why_missing(server: EmbeddedAirflow, client: AirflowClient) -> str:
    errors = [f"{error['filename']}:\n{error['stack_trace']}" for error in client.import_errors()]
    return "\n".join(errors) or tail(server.log("dag-processor"))


def _farewell(server: EmbeddedAirflow, client: AirflowClient, options: argparse.Namespace, run_id: str) -> str:
    rows = [
        ("This run", f"{server.url}/dags/{options.dag_id}/runs/{run_id}"),
        ("All workflows", f"{server.url}/dags"),
        *((name, f"{server.url}/plugin/{route}") for name, route in _plugin_pages(client)),
        ("Log in as", f"{ADMIN} / {server.passwords[ADMIN]}"),
        ("Logs", str(server.home / "logs")),
    ]
    if not options.once:
        rows.append(("Stop", "Ctrl-C, or make stop"))
    return "\n" + "\n".join(f"  {name:<16} {value}" for name, value in rows) + "\n"


def _plugin_pages(client: AirflowClient) -> list[tuple[str, str]]:
    """Return (name, route) of the pages our plugin adds to Airflow's navigation."""
    plugins = [plugin for plugin in client.get("/plugins", limit=100)["plugins"] if plugin["name"].startswith("flowdrop")]
    views = [view for plugin in plugins for view in (*plugin.get("external_views", []), *plugin.get("react_apps", []))]
    return [(view["name"], view["url_route"]) for view in views if view.get("destination") == "nav" and view.get("url_route")]


def _stay(server: EmbeddedAirflow) -> NoReturn:
    while True:
        server.check()
        time.sleep(1)


def stop_running(home: Path, timeout: float = 40.0) -> int:
    """Ask a running demo to end and wait for it; returns 0 when nothing runs (any more)."""
    if not is_running(home):
        print("No demo is running.")
        return 0
    process = psutil.Process(read_state(home)["pid"])
    process.terminate()
    _, alive = psutil.wait_procs([process], timeout=timeout)
    print("The demo is still stopping." if alive else "The demo has stopped.")
    return 1 if alive else 0


def _detach(options: argparse.Namespace) -> int:
    """Start the demo again in a session of its own and copy what it prints until it stays up or ends."""
    log = options.home / "logs" / "demo.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = [argument for argument in sys.argv[1:] if argument != "--detach"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "devtools.demo", *arguments],
            cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    return _copy_until_up(log, process)


def _copy_until_up(log: Path, process: subprocess.Popen[bytes]) -> int:
    with log.open() as lines:
        while process.poll() is None:
            text = lines.read()
            print(text, end="", flush=True)
            if "  Stop  " in text:
                return 0
            time.sleep(0.2)
        print(lines.read(), end="")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
