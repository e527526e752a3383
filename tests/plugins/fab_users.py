"""A program: make FAB users and roles in the Airflow of its environment; see tests/integration/test_api_fab.py.

python fab_users.py < {"user": {"password": ..., "rights": [[action, resource], ...] | null for an admin}}
"""

from __future__ import annotations

import json
import sys

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def main() -> None:
    with get_application_builder() as builder:
        manager = builder.sm
        for name, wanted in json.load(sys.stdin).items():
            role = manager.find_role("Admin") if wanted["rights"] is None else manager.add_role(f"Role of {name}")
            for action, resource in wanted["rights"] or []:
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
            assert manager.add_user(name, name, name, f"{name}@example.org", role, password=wanted["password"])


main()
