"""Registers FlowDrop with Airflow's plugin manager."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from flowdrop_provider.plugins.api.mount import LazyApplication
from flowdrop_provider.plugins.human_input import QuestionKeeper

__all__ = ["FlowDropPlugin"]


class FlowDropPlugin(AirflowPlugin):
    """FlowDrop in Airflow's API server: the API that FlowDrop's editor and our views call, below ``/flowdrop``."""

    name = "flowdrop"
    fastapi_apps = [{"name": "flowdrop", "app": LazyApplication(), "url_prefix": "/flowdrop"}]
    fastapi_root_middlewares = [{"name": "flowdrop_human_input", "middleware": QuestionKeeper}]
