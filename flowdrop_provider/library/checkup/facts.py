"""What the checks are told, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["ERROR", "LEVELS", "OK", "UNKNOWN", "WARNING", "BundleFacts", "Check", "Facts", "SiteFacts"]

OK, UNKNOWN, WARNING, ERROR = "ok", "unknown", "warning", "error"

#: From the best to the worst.
LEVELS = (OK, UNKNOWN, WARNING, ERROR)


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict.

    :ivar id: stable; where there is one for each of several things, the thing follows a colon (``drupal.connection:shop``).
    :ivar level: of :data:`LEVELS`.
    :ivar found: what is there.
    :ivar advice: what to change and why; empty when there is nothing to do.
    """

    id: str
    level: str
    title: str
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the verdict as it is printed and served."""
        return {"id": self.id, "level": self.level, "title": self.title, "found": self.found, "advice": self.advice}


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """A DAG bundle of the deployment.

    :ivar folder: where it reads, as configured; empty for a bundle without one.
    :ivar exists: whether that folder is there, seen from here.
    :ivar writable: whether this process may write into it.
    """

    name: str
    is_store: bool
    folder: str = ""
    exists: bool = False
    writable: bool = False


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A connection to a Drupal site.

    :ivar signed: whether it has a signing secret.
    :ivar needs_signature: whether something of the deployment needs one: a bundle, or callbacks.
    :ivar works: what a call to the site told; ``None`` when nobody called.
    """

    conn_id: str
    known: bool
    host: str = ""
    signed: bool = False
    needs_signature: bool = False
    works: bool | None = None
    told: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A deployment, as far as it was found out; no secret is in it.

    :ivar versions: by name: ``flowdrop``, ``airflow``, ``python``, ``database``.
    :ivar settings: effective values by ``section.key``; one that has no value is absent.
    :ivar dialect: of the metadata database: ``postgresql``, ``mysql``, ``sqlite``; empty when it cannot be reached.
    :ivar database_error: why it cannot be reached.
    :ivar tables: whether our tables are as this version wants them; ``None`` when that is not known.
    :ivar skew: seconds that this host's clock is ahead of the database's.
    :ivar heartbeats: seconds since the last sign of life by kind of process; a kind that was never seen is absent.
    :ivar blind_roles: roles that may read runs and not plugins; ``None`` where the auth manager is not FAB.
    :ivar broken_settings: by name of a ``[flowdrop]`` setting, why it cannot be used.
    :ivar seal_keys: how many keys there are, and ``seal_problem`` what is wrong with them.
    :ivar file_root: what is wrong with the folder of file nodes; empty when nothing is. ``event_log`` alike.
    :ivar unknown_connections: connections that rules for notices name and nobody knows.
    :ivar metrics_host: what looking up the metrics host gave; empty for nothing wrong, ``None`` when nobody looked.
    :ivar connected: whether other systems were called.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    dialect: str = ""
    database_error: str = ""
    tables: bool | None = None
    skew: float | None = None
    heartbeats: Mapping[str, float] = field(default_factory=dict)
    blind_roles: Sequence[str] | None = None
    broken_settings: Mapping[str, str] = field(default_factory=dict)
    seal_keys: int = 0
    seal_problem: str = ""
    file_root: str = ""
    event_log: str = ""
    unknown_connections: Sequence[str] = ()
    bundles: Sequence[BundleFacts] = ()
    sites: Sequence[SiteFacts] = ()
    metrics_host: str | None = None
    connected: bool = False

    def setting(self, name: str, default: str = "") -> str:
        """Return a setting by ``section.key``."""
        return str(self.settings.get(name, default)).strip()

    def number(self, name: str) -> float | None:
        """Return a setting as a number, ``None`` when it is none."""
        try:
            return float(self.settings[name])
        except (KeyError, ValueError):
            return None

    def on(self, name: str) -> bool:
        """Whether a setting is switched on, in Airflow's words."""
        return self.setting(name).lower() in {"true", "t", "1", "yes", "on"}
