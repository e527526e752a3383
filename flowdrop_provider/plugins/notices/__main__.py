"""``python -m flowdrop_provider.plugins.notices PARENT_PID``: watch and tell until the parent has gone."""

from __future__ import annotations

import logging
import os
import sys
import time

from airflow.sdk.configuration import conf as airflow_conf
from airflow.utils.session import create_session

from flowdrop_provider import conf
from flowdrop_provider.library.metrics import Measurement
from flowdrop_provider.operators.telemetry import measure
from flowdrop_provider.plugins.notices import book
from flowdrop_provider.plugins.notices.channels import send
from flowdrop_provider.plugins.notices.rules import read_rules
from flowdrop_provider.plugins.notices.watch import Watch

log = logging.getLogger("flowdrop.notices")

#: Seconds between two looks.
_PAUSE = 2.0


def main(parent: int) -> None:
    """Watch and send until the parent has gone."""
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    watch = Watch(read_rules(conf.notices()), str(airflow_conf.get("api", "base_url", fallback="") or ""))
    forget_at = time.monotonic()
    while os.getppid() == parent:
        try:
            with create_session(scoped=False) as session:
                watch.round(session)
                if time.monotonic() >= forget_at:
                    book.forget(session)
                    forget_at = time.monotonic() + 3600
            outcomes = book.send_due(lambda: create_session(scoped=False), send)
            measure(Measurement("flowdrop.notice.sent", n, {"outcome": name}) for name, n in outcomes.items() if n)
        except Exception:
            # The database may be away for a while; what is in it will still be there.
            watch.look_again()
            log.exception("A round of notices failed.")
        time.sleep(_PAUSE)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid())
