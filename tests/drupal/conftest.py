from __future__ import annotations

from collections.abc import Iterator

import pytest

from devtools.stub_drupal import StubDrupal


@pytest.fixture
def stub() -> Iterator[StubDrupal]:
    with StubDrupal().running() as site:
        yield site
