"""``python -m flowdrop_provider.cli``."""

from __future__ import annotations

from flowdrop_provider.cli import main

raise SystemExit(main())
