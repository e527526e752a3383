from __future__ import annotations

from email.message import Message
from types import SimpleNamespace

import pytest

from devtools.licences import EXCEPTIONS, PACKAGE, is_allowed, licence_of, refused, runtime


def installed(*classifiers, **fields):
    metadata = Message()
    for name, value in fields.items():
        metadata[name.replace("_", "-")] = value
    for classifier in classifiers:
        metadata["Classifier"] = f"License :: {classifier}"
    return SimpleNamespace(metadata=metadata)


@pytest.mark.parametrize(
    ("distribution", "licence"),
    [
        (installed(License_Expression="MIT OR Apache-2.0", License="x"), "MIT OR Apache-2.0"),
        (installed("OSI Approved :: MIT License"), "MIT"),
        (installed("OSI Approved :: BSD License", License="BSD-3-Clause"), "BSD-3-Clause"),
        (installed("OSI Approved :: BSD License", License="Copyright ..." * 20), "BSD"),
        (installed(License="Apache License, Version 2.0"), "Apache-2.0"),
        (installed("OSI Approved :: GNU General Public License v3 (GPLv3)"), "GNU General Public License v3 (GPLv3)"),
        (installed(), ""),
    ],
)
def test_what_metadata_says(distribution, licence):
    assert licence_of(distribution) == licence


def test_one_of_several_may_be_chosen_and_all_of_several_must_be_allowed():
    assert is_allowed("MIT OR GPL-3.0-only")
    assert is_allowed("(Apache-2.0 WITH LLVM-exception) AND MIT")
    assert not is_allowed("MIT AND GPL-3.0-only")
    assert not is_allowed("")


def test_every_runtime_dependency_has_an_allowed_licence(figures):
    distributions = runtime()
    figures(f"{len(distributions)} packages, {len(EXCEPTIONS)} of them exceptions")

    assert len(distributions) > 80
    assert {"apache-airflow-core", "pydantic", "lark", PACKAGE} <= set(distributions)
    assert refused(distributions) == {}


def test_every_exception_is_still_needed_and_has_a_reason():
    distributions = runtime()

    assert set(EXCEPTIONS) <= set(distributions)
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())
    assert [name for name in EXCEPTIONS if is_allowed(licence_of(distributions[name]))] == []
