"""A Drupal site as an Airflow DAG bundle: what is saved there runs here, in versions by content.

Each refresh asks the site once; with the module ``flowdrop_airflow`` an unchanged site answers 304. While the site is away or
sends rubbish, the last good version stays, and an import error of its own says why. A version once written is never changed, so
a run keeps the one it began with; ``archive`` keeps them where other machines find them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BundleVersion

from flowdrop_provider.bundles.versions import NOTHING, ContentBundle
from flowdrop_provider.bundles.writing import switch_to, write_version
from flowdrop_provider.drupal.pulling import Pulled, pull
from flowdrop_provider.errors import ConfigurationError, FlowDropError

__all__ = ["DrupalDagBundle"]


class DrupalDagBundle(ContentBundle):
    """The workflows of a Drupal site as DAGs.

    :param drupal_conn_id: the site's connection.
    :param archive: folder or object storage URL that keeps every version, for workers on other machines.
    :param dag_options: passed to every DAG (JSON values only).
    """

    def __init__(self, *, drupal_conn_id: str = "drupal_default", archive: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drupal_conn_id = drupal_conn_id
        self._archive = archive

    def get_current_version(self) -> BundleVersion:
        """Return the content hash, and where it came from."""
        return BundleVersion(version=self._current or NOTHING, data={"connection": self.drupal_conn_id})

    def _take_over(self) -> None:
        """Take over what the site has now; never raises for what is wrong with the site."""
        kept = self._kept()
        try:
            pulled, problem = self._pull(kept.get("etag", "")), ""
        except Exception as error:  # noqa: BLE001 - a site that is away must not take its workflows with it
            pulled, problem = None, _told(error)
        with self.lock():
            self._take(kept, pulled, problem)

    def _pull(self, etag: str) -> Pulled | None:
        from flowdrop_provider.hooks.drupal import DrupalHook

        # The DAG processor waits for every bundle, so this one is not patient.
        return pull(DrupalHook(self.drupal_conn_id).site(), etag)

    def _take(self, kept: Mapping[str, str], pulled: Pulled | None, problem: str) -> None:
        good, etag = kept.get("good", ""), kept.get("etag", "")
        if pulled is not None:
            good, etag = self._version_of(pulled.files), pulled.etag
            self._provide(good, pulled.files)
        current = f"{good or NOTHING}-{_digest(problem)[:8]}" if problem else good
        if problem:
            self._provide(current, self._files_of(good) if good else {}, problem)
        if current != kept.get("current"):
            switch_to(self.versions_dir / current)
        self._keep({"good": good, "etag": etag, "current": current})
        self._current = current

    def _provide(self, version: str, files: Mapping[str, bytes], problem: str = "") -> None:
        """Write a version that is not here yet, and archive it."""
        if not (self.versions_dir / version).exists():

            def fill(documents: Path) -> Path:
                documents.mkdir(parents=True)
                for name, data in files.items():
                    (documents / name).write_bytes(data)
                return documents

            write_version(self.versions_dir, version, fill, self._dag_options, problem=problem)
        if self._archive:
            self._put_away(version, files, problem)

    def _files_of(self, version: str) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted((self.versions_dir / version / "documents").iterdir())}

    @property
    def _note(self) -> Path:
        return self.base_dir / "flowdrop_drupal.json"

    def _kept(self) -> dict[str, str]:
        """Return what the last refresh left, if its good version is still here."""
        try:
            kept = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        usable = isinstance(kept, dict) and (self.versions_dir / str(kept.get("good") or NOTHING) / "documents").is_dir()
        # Another release of this package, or other settings, make other versions of the same content.
        return kept if usable and kept.get("made_by") == _digest(self._made_by) else {}

    def _keep(self, note: dict[str, str]) -> None:
        self.base_dir.mkdir(parents=True, exist_ok=True)
        unfinished = self._note.with_suffix(".new")
        unfinished.write_text(json.dumps({**note, "made_by": _digest(self._made_by)}), encoding="utf-8")
        unfinished.replace(self._note)

    def _version_of(self, files: Mapping[str, bytes]) -> str:
        """Return the first 20 hex digits of a hash over the content and what else decides about the DAGs."""
        return _digest(f"{self._made_by}\n{Pulled(files, '').version}")[:20]

    def _restore(self, version: str) -> None:
        """Get a version from the archive, or from the site while it has not changed."""
        found = self._take_out(version)
        if found is None:
            found = self._from_site(version)
        with self.lock():
            self._provide(version, *found)

    def _from_site(self, version: str) -> tuple[Mapping[str, bytes], str]:
        pulled = self._pull("")
        if pulled is None or self._version_of(pulled.files) != version.split("-", maxsplit=1)[0]:
            raise ConfigurationError(
                f"Version {version} of bundle {self.name!r} is neither here nor at the site any more.",
                code="CONF_BUNDLE_VERSION_GONE",
                hint="Give the bundle an 'archive', or share [dag_processor] dag_bundle_storage_path between machines.",
            )
        return pulled.files, ""

    def _place(self, version: str) -> Any:
        if "://" not in str(self._archive):
            return Path(str(self._archive)) / f"{version}.zip"
        from airflow.sdk import ObjectStoragePath

        return ObjectStoragePath(f"{str(self._archive).rstrip('/')}/{version}.zip")

    def _put_away(self, version: str, files: Mapping[str, bytes], problem: str) -> None:
        place = self._place(version)
        if place.exists():
            return
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(f"documents/{name}", data)
            archive.writestr("problem.txt", problem)
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = place.parent / f".{place.name}.new"
        unfinished.write_bytes(content.getvalue())
        unfinished.rename(place)

    def _take_out(self, version: str) -> tuple[Mapping[str, bytes], str] | None:
        place = self._place(version) if self._archive else None
        if place is None or not place.exists():
            return None
        with zipfile.ZipFile(io.BytesIO(place.read_bytes())) as archive:
            names = [name for name in archive.namelist() if name.startswith("documents/")]
            files = {Path(name).name: archive.read(name) for name in names}
            return files, archive.read("problem.txt").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _told(error: Exception) -> str:
    """Return the sentence of an import error; the same trouble always reads the same, or each refresh were a version."""
    why = (
        f"{error.message} {error.hint or ''}".strip()
        if isinstance(error, FlowDropError)
        else f"{type(error).__name__}: {error}"
    )
    return f"The Drupal site could not be read, so its last good version stays in use. {why}"
