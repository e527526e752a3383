"""The committed views are what their sources make, and the sources keep to their own rules; needs Node.js and npm."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
from pathlib import Path

import pytest

from flowdrop_provider.plugins import www_app

pytestmark = pytest.mark.slow

WWW = Path(www_app.__file__).parent / "www"


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=WWW, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.fixture(scope="module", autouse=True)
def modules():
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    done = WWW / "node_modules" / ".package-lock.json"
    if not done.is_file() or done.stat().st_mtime < (WWW / "package-lock.json").stat().st_mtime:
        run("npm", "ci", "--no-audit", "--no-fund")


def test_the_types_are_those_of_the_published_document(tmp_path):
    run("npx", "openapi-typescript", "../../../docs/openapi.json", "-o", str(tmp_path / "openapi.ts"))
    assert filecmp.cmp(tmp_path / "openapi.ts", WWW / "src" / "openapi.ts", shallow=False), "run: make ui"


def test_the_bundle_is_what_the_sources_make(tmp_path):
    run("npx", "tsc", "--noEmit")
    run("npx", "vite", "build", "--outDir", str(tmp_path), "--emptyOutDir", "--logLevel", "error")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (WWW / "dist").iterdir()}
    assert filecmp.cmp(tmp_path / "main.js", WWW / "dist" / "main.js", shallow=False), "run: make ui"


def test_the_sources_keep_to_their_rules():
    run("npm", "run", "lint")
    run("npm", "test")
