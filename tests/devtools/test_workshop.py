"""The small tools around the code: the environment's stamp, the order of tests, what the system lacks, what ``make`` offers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devtools import bootstrap, system_packages
from devtools.pytest_order import cost

ROOT = Path(__file__).resolve().parents[2]


def test_an_environment_with_the_current_stamp_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "flowdrop-dev.stamp").write_text(bootstrap.fingerprint(bootstrap.ROOT))
    monkeypatch.setattr(bootstrap, "_install", lambda *_: pytest.fail("must not install"))

    bootstrap.ensure(tmp_path, "dev")
    bootstrap.ensure(tmp_path, "demo")


def test_the_demos_environment_is_not_enough_for_development(tmp_path, monkeypatch):
    installed = []
    (tmp_path / "flowdrop-demo.stamp").write_text(bootstrap.fingerprint(bootstrap.ROOT))
    monkeypatch.setattr(bootstrap, "_create", lambda _folder: None)
    monkeypatch.setattr(bootstrap, "_install", lambda _folder, extra: installed.append(extra))

    bootstrap.ensure(tmp_path, "dev")
    bootstrap.ensure(tmp_path, "dev")

    assert installed == ["dev"]


def test_the_stamp_changes_with_the_pins(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "constraints.txt").write_text("a==1")
    before = bootstrap.fingerprint(tmp_path)
    (tmp_path / "constraints.txt").write_text("a==2")

    assert bootstrap.fingerprint(tmp_path) != before


def test_without_root_a_missing_venv_package_is_named(monkeypatch):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)

    with pytest.raises(bootstrap.BootstrapError, match=r"apt-get install -y python3\.\d+-venv"):
        bootstrap._install_venv_package()


def test_without_root_missing_programs_are_named_and_nothing_fails(monkeypatch, capsys):
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system_packages.shutil, "which", lambda name: "/usr/bin/x" if name == "valkey-server" else None)

    assert system_packages.main(["chromium", "redis-server"]) == 0
    assert "apt-get install -y --no-install-recommends chromium\n" in capsys.readouterr().out


def test_the_most_expensive_marker_decides_the_order():
    names = [["benchmark"], [], ["rule", "integration"], ["integration", "slow"], ["slow"]]

    assert sorted(names, key=cost) == [[], ["slow"], ["rule", "integration"], ["integration", "slow"], ["benchmark"]]


def test_make_help_lists_every_command():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for command in ("demo", "stop", "test", "fast", "bench", "lint", "docs", "clean"):
        assert f"make {command} " in shown
