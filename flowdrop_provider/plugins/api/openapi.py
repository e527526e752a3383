"""The OpenAPI document of this API, as it is published in ``docs/openapi.json``.

python -m flowdrop_provider.plugins.api.openapi docs/openapi.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["openapi_text"]


def openapi_text() -> str:
    """Return the document as JSON text, the same for the same routes."""
    from flowdrop_provider.plugins.api.app import create_app

    document = create_app().openapi()
    document["servers"] = [{"url": "/flowdrop", "description": "Below Airflow's API server"}]
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
