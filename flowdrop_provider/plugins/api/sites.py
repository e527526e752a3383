"""The Drupal sites of this deployment, as its bundles name them, and requests that they sign."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from flowdrop_provider import conf
from flowdrop_provider.drupal.signing import SignatureError, verify
from flowdrop_provider.plugins.api.auditing import body_of
from flowdrop_provider.plugins.api.errors import ApiError
from flowdrop_provider.plugins.api.security import marked

__all__ = ["drupal_bundles", "editor_of", "signed_bundles", "site_of_bundle"]

_CLASS = "flowdrop_provider.bundles.drupal.DrupalDagBundle"
_DEFAULT = "drupal_default"


def drupal_bundles() -> dict[str, str]:
    """Return the connection of each bundle that is a Drupal site, by bundle name."""
    from airflow.configuration import conf as airflow_conf

    listed = json.loads(airflow_conf.get("dag_processor", "dag_bundle_config_list", fallback="") or "[]")
    return {
        str(bundle["name"]): str((bundle.get("kwargs") or {}).get("drupal_conn_id") or _DEFAULT)
        for bundle in listed
        if bundle.get("classpath") == _CLASS
    }


def site_of_bundle(bundle: str | None) -> str:
    """Return the connection of the site that a DAG came from; of other DAGs that of ``[flowdrop] drupal_conn_id``."""
    return drupal_bundles().get(bundle or "") or conf.drupal_conn_id()


def editor_of(bundle: str | None, workflow_id: str) -> str | None:
    """Return where people draw a workflow: in the editor of the site that its bundle pulls from; ``None`` for other bundles."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from flowdrop_provider.hooks.drupal import DrupalHook

    connection_id = drupal_bundles().get(bundle or "")
    if connection_id is None:
        return None
    try:
        return DrupalHook(connection_id).editor_url(workflow_id)
    except AirflowNotFoundException:
        return None


def _secrets() -> dict[str, str]:
    """Return the signing secrets by bundle name; a connection that cannot be read signs nothing."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from flowdrop_provider.hooks.drupal import DrupalHook, credentials_of

    found: dict[str, str] = {}
    for bundle, connection_id in drupal_bundles().items():
        try:
            found[bundle] = credentials_of(DrupalHook.get_connection(connection_id)).signing_secret
        except AirflowNotFoundException:
            continue
    return found


def _target(request: Request) -> str:
    """Return what was signed: the path below the API's address, as it came, with its query."""
    from flowdrop_provider.plugins.api.app import PREFIX

    raw = request.scope.get("raw_path") or request.url.path.encode()
    path = raw.decode("latin-1").split("?", 1)[0].split(PREFIX, 1)[-1]
    return f"{path}?{request.url.query}" if request.url.query else path


def _signed(request: Request, body: Annotated[bytes, Depends(body_of)]) -> list[str]:
    """Return the bundles of the site that signed the request.

    :raises ApiError: 401 with the code of :class:`SignatureError`.
    """
    headers: Mapping[str, Any] = request.headers
    why = SignatureError("No Drupal site of this deployment has a signing secret.")
    fitting = []
    for bundle, secret in _secrets().items():
        try:
            verify([secret], request.method, _target(request), headers, body, now=int(time.time()))
            fitting.append(bundle)
        except SignatureError as error:
            why = error
    if not fitting:
        raise ApiError(401, why.code, why.message)
    return fitting


#: Lets in what a site of this deployment has signed; gives the names of that site's bundles.
signed_bundles = Depends(marked(_signed, "POST signed"))
