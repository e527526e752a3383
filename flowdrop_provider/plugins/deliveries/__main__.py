"""``python -m flowdrop_provider.plugins.deliveries PARENT_PID``: deliver until the parent has gone."""

from __future__ import annotations

import logging
import os
import sys

from flowdrop_provider import conf
from flowdrop_provider.plugins.deliveries.service import deliver_while_alive

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    parent = int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid()
    deliver_while_alive(parent, max(0.2, conf.drupal_callback_seconds()))
