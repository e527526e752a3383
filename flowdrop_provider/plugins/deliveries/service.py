"""The process that delivers, started by the scheduler and ending with it.

A process of its own and no thread: the scheduler forks its workers, and a thread that holds a lock at that moment would hang
them.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import time

__all__ = ["deliver_while_alive", "start_beside"]

log = logging.getLogger("flowdrop.deliveries")

#: Seconds between two looks for rows to forget.
_FORGET_EVERY = 3600.0


def start_beside(parent: int, module: str = "flowdrop_provider.plugins.deliveries") -> subprocess.Popen[bytes]:
    """Start the process; it ends when its parent does.

    :param parent: process id of the scheduler.
    :param module: what it runs.
    """
    command = [sys.executable, "-m", module, str(parent)]
    # Connections are read as a server reads them, from the metadata database.
    environment = {**os.environ, "_AIRFLOW_PROCESS_CONTEXT": "server"}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    atexit.register(process.terminate)
    return process


def deliver_while_alive(parent: int, seconds: float) -> None:
    """Deliver every ``seconds`` until the parent has gone."""
    from flowdrop_provider.hooks.drupal import DrupalHook
    from flowdrop_provider.plugins.api.sites import site_of_bundle
    from flowdrop_provider.plugins.deliveries.outbox import Outbox

    outbox = Outbox(site_of_bundle, lambda connection_id: DrupalHook(connection_id).site())
    forget_at = time.monotonic()
    while os.getppid() == parent:
        try:
            while outbox.round() and os.getppid() == parent:
                pass
            if time.monotonic() >= forget_at:
                outbox.forget()
                forget_at = time.monotonic() + _FORGET_EVERY
        except Exception:
            # The database may be away for a while; what is in it will still be there.
            log.exception("A round of deliveries failed.")
        time.sleep(seconds)
