"""Registers FlowDrop with Airflow's plugin manager."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

__all__ = ["FlowDropPlugin"]


class FlowDropPlugin(AirflowPlugin):
    """FlowDrop in Airflow's list of plugins; views and API routes are added by later releases."""

    name = "flowdrop"
