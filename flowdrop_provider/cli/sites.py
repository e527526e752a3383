"""``flowdrop sync``: a Drupal site's drawings as files, for those who deploy them from a folder or with git."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from flowdrop_provider.cli.rendering import print_json, say
from flowdrop_provider.document.files import NODE_TYPE_FILE, WORKFLOW_FILE
from flowdrop_provider.drupal.access import Credentials
from flowdrop_provider.drupal.checking import check_site
from flowdrop_provider.drupal.pulling import pull
from flowdrop_provider.drupal.site import Site
from flowdrop_provider.errors import DocumentError

__all__ = ["sync"]

#: What a sync may delete: names that only it writes. A folder may hold the rest of a configuration export besides.
_OURS = (f"{WORKFLOW_FILE}*.yml", f"{NODE_TYPE_FILE}*.yml", "flowdrop_trigger.*.yml")


def _site(arguments: argparse.Namespace) -> Site:
    """Return the site; the person at the keyboard named it, so it may be an internal one."""
    from urllib.parse import urlsplit

    from flowdrop_provider.nodes.http_client import HttpPolicy, PinnedHttpClient

    host = (urlsplit(arguments.site).hostname or "").lower()
    if not host:
        raise DocumentError(f"{arguments.site!r} is no address of a site.", code="DOC_MISSING", hint="Begin with https://.")
    known = Credentials(
        user=arguments.user,
        password=os.environ.get("FLOWDROP_DRUPAL_PASSWORD", ""),
        signing_secret=os.environ.get("FLOWDROP_DRUPAL_SECRET", ""),
    )
    return Site(PinnedHttpClient(HttpPolicy(allow_hosts=frozenset({host}), max_body=100_000_000)), arguments.site, known)


def sync(arguments: argparse.Namespace) -> int:
    """Write what the site has, delete what it no longer has, and say what changed; 0 also when nothing did.

    Environment: ``FLOWDROP_DRUPAL_SECRET`` (the module's signing secret), or ``FLOWDROP_DRUPAL_PASSWORD`` for ``--user``.
    """
    site = _site(arguments)
    if arguments.check:
        return _check(site, as_json=arguments.json)
    pulled = pull(site)
    assert pulled is not None  # noqa: S101 - without a tag there is always an answer
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    before = {path.name: path.read_bytes() for pattern in _OURS for path in folder.glob(pattern)}
    before |= {name: (folder / name).read_bytes() for name in pulled.files if (folder / name).is_file()}
    changed = sorted(name for name, data in pulled.files.items() if before.get(name) != data)
    gone = sorted(name for name in before if name not in pulled.files)
    for name in changed:
        _write(folder / name, pulled.files[name])
    for name in gone:
        (folder / name).unlink()
    _tell(arguments, len(pulled.files), changed, gone)
    return 0


def _write(path: Path, data: bytes) -> None:
    # Renamed into place: a DAG processor that watches the folder must never read half a file.
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _tell(arguments: argparse.Namespace, total: int, changed: list[str], gone: list[str]) -> None:
    if arguments.json:
        print_json({"files": total, "changed": changed, "deleted": gone})
        return
    for sign, names in (("+", changed), ("-", gone)):
        for name in names:
            say(f"{sign} {name}")
    say(f"{total} files, {len(changed)} changed, {len(gone)} deleted.")


def _check(site: Site, *, as_json: bool) -> int:
    found = check_site(site)
    if as_json:
        print_json({"works": all(item.works for item in found), "found": [item.text for item in found]})
    else:
        for item in found:
            say(f"{'ok ' if item.works else 'NO '} {item.text}")
    return 0 if all(item.works for item in found) else 1
