"""FlowDrop on Airflow: run FlowDrop workflow drawings with Apache Airflow.

The package is layered, and imports go one way only (see ``docs/architecture.md``)::

    document <- expressions <- nodes <- engine <- everything that knows Airflow

Nothing from ``engine`` down imports Airflow, so ``flowdrop validate`` and ``flowdrop run`` work without it.
"""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
