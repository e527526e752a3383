"""Registers FlowDrop with Airflow's plugin manager."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from flowdrop_provider.plugins import lifecycle
from flowdrop_provider.plugins.api.mount import LazyApplication
from flowdrop_provider.plugins.human_input import QuestionKeeper
from flowdrop_provider.plugins.late_writes import LateWrites
from flowdrop_provider.plugins.www_app import MOUNT, BundleApplication, react_apps
from flowdrop_provider.timetables import JitteredCronTimetable

__all__ = ["FlowDropPlugin"]


class FlowDropPlugin(AirflowPlugin):
    """FlowDrop in Airflow: the API that FlowDrop's editor and our views call, below ``/flowdrop``, and the views."""

    name = "flowdrop"
    fastapi_apps = [
        {"name": "flowdrop", "app": LazyApplication(), "url_prefix": "/flowdrop"},
        {"name": "flowdrop_ui", "app": BundleApplication(), "url_prefix": MOUNT},
    ]
    fastapi_root_middlewares = [
        {"name": "flowdrop_human_input", "middleware": QuestionKeeper},
        {"name": "flowdrop_late_writes", "middleware": LateWrites},
    ]
    react_apps = react_apps()
    listeners = [lifecycle]
    timetables = [JitteredCronTimetable]
