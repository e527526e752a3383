"""What is published: the same bytes from the same source, the right files in it, and a package that works where it is put."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from flowdrop_provider import __version__

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

#: What is written while people work, and nobody publishes.
MADE_HERE = shutil.ignore_patterns(
    ".git", ".flowdrop", "node_modules", "site", "dist-*", ".*_cache", "__pycache__", ".hypothesis"
)


def built(source: Path, target: Path) -> dict[str, Path]:
    """Build both archives as ``make dist`` does, without a network, and return them by ending."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {"whl": next(target.glob("*.whl")), "gz": next(target.glob("*.tar.gz"))}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Path]]:
    """The archives of two copies of the source, in folders of other names, with other times and another umask."""
    found = []
    for name, mask in (("one", 0o022), ("another", 0o077)):
        folder = tmp_path_factory.mktemp(name)
        before = os.umask(mask)
        try:
            source = shutil.copytree(ROOT, folder / name, ignore=MADE_HERE, symlinks=True, copy_function=shutil.copyfile)
            found.append(built(source, folder / "built"))
        finally:
            os.umask(before)
    return found


def test_the_same_source_gives_the_same_bytes(archives: list[dict[str, Path]], figures) -> None:
    for kind in ("whl", "gz"):
        digests = {hashlib.sha256(found[kind].read_bytes()).hexdigest() for found in archives}
        figures(f"{archives[0][kind].name}: {archives[0][kind].stat().st_size / 1e6:.1f} MB")
        assert len(digests) == 1, kind


def test_the_wheel_holds_the_package_and_nothing_else(archives: list[dict[str, Path]]) -> None:
    with zipfile.ZipFile(archives[0]["whl"]) as wheel:
        names = set(wheel.namelist())
    info = f"airflow_provider_flowdrop-{__version__}.dist-info"
    modules = {
        str(file.relative_to(ROOT)) for file in (ROOT / "flowdrop_provider").rglob("*.py") if "node_modules" not in file.parts
    }
    views = {f"flowdrop_provider/plugins/www/dist/{name}" for name in ("main.js", "icon.svg", "icon-dark.svg")}
    assert modules | views | {"flowdrop_provider/py.typed", f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= names
    assert {name.split("/")[0] for name in names} == {"flowdrop_provider", info}
    assert [name for name in names if re.search(r"node_modules|www/(?!dist/)|/tests?/|test_|\.pyc|\.ts|\.map$", name)] == []


def test_the_sdist_holds_what_is_needed_to_test_and_build_it_again(archives: list[dict[str, Path]]) -> None:
    with tarfile.open(archives[0]["gz"]) as sdist:
        names = {member.name.partition("/")[2] for member in sdist.getmembers()}
    wanted = {"LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "constraints.txt",
        "requirements-locked.txt", "pyproject.toml", "PKG-INFO", "devtools/pins.py", "tests/conftest.py",
        "flowdrop_provider/plugins/www/dist/main.js", "flowdrop_provider/plugins/www/src/main.tsx",
        "flowdrop_provider/plugins/www/package-lock.json", "drupal/flowdrop_airflow/flowdrop_airflow.info.yml"}  # fmt: skip
    assert wanted - names == set()
    assert [
        name for name in names if re.search(r"node_modules|\.pyc|(^|/)\.git/|(^|/)\.flowdrop/|^site/|(^|/)\.env$|_cache/", name)
    ] == []


@pytest.mark.long
def test_the_wheel_works_in_a_fresh_environment(archives: list[dict[str, Path]], tmp_path: Path) -> None:
    """The dependencies are those of this environment; the package itself can only come from the wheel."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*install, archives[0]["whl"]], check=True)
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    )
    # A line of a .pth file adds a folder, but does not execute the .pth files in it: not the editable installation's.
    (Path(place.stdout.strip()) / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")

    def say(*command: object) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path / "airflow")}
        done = subprocess.run(
            list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(tmp_path) in say(python, "-c", "import flowdrop_provider; print(flowdrop_provider.__file__)")
    flowdrop = tmp_path / "fresh" / "bin" / "flowdrop"
    assert "validate" in say(flowdrop, "--help")
    assert "1 of 1 valid." in say(flowdrop, "validate", next((ROOT / "dags" / "workflows").glob("*.yml")))
    names = {point.name for point in entry_points(group="flowdrop.processors")}
    found = say(
        python,
        "-c",
        "from importlib.metadata import entry_points as e; print([p.name for p in e(group='flowdrop.processors')])",
    )
    assert names <= set(re.findall(r"'(\w+)'", found))
    assert "main.js" in say(python, "-c", "from flowdrop_provider.plugins.www_app import react_apps; print(react_apps())")
