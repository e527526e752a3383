"""Airflow DAG bundles made of FlowDrop exports."""

from __future__ import annotations

from flowdrop_provider.bundles.drupal import DrupalDagBundle
from flowdrop_provider.bundles.folder import FlowDropFolderBundle

__all__ = ["DrupalDagBundle", "FlowDropFolderBundle"]
