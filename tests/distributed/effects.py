"""The world that workflows under test change: an HTTP receiver that counts who asked what of it, and can hold its answers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving import QuietHandler, serving


class Effects:
    """Side effects by what was asked (``<run key>`` or ``<run key>#<round>``) and the node that asked."""

    def __init__(self) -> None:
        self.url = ""
        self._lock = threading.Lock()
        self._seen: list[tuple[str, str]] = []
        self._held: Counter[str] = Counter()
        self._hold: dict[str, float] = {}

    def arrived(self, node_id: str, key: str) -> None:
        """Count one, and hold the answer as long as :meth:`holding` says."""
        with self._lock:
            self._seen.append((node_id, key))
            self._held[node_id] += 1
        until = time.monotonic() + self._hold.get(node_id, 0.0)
        while time.monotonic() < until and node_id in self._hold:
            time.sleep(0.02)
        with self._lock:
            self._held[node_id] -= 1

    @contextmanager
    def holding(self, node_id: str, seconds: float) -> Iterator[None]:
        """Let requests of a node wait so long for their answer, at most until the block ends."""
        self._hold[node_id] = seconds
        try:
            yield
        finally:
            self._hold.pop(node_id, None)

    def waiting(self, node_id: str) -> int:
        """Return how many requests of a node wait for their answer now."""
        with self._lock:
            return self._held[node_id]

    def count(self, node_id: str) -> int:
        """Return how many requests of a node there were so far, of all runs."""
        with self._lock:
            return sum(seen == node_id for seen, _ in self._seen)

    def of(self, run_key: str) -> Counter[tuple[str, str]]:
        """Return how often each side effect of a run happened, by node and by what was asked."""
        with self._lock:
            return Counter(item for item in self._seen if item[1].split("#")[0] == run_key)


@contextmanager
def counting() -> Iterator[Effects]:
    """Serve the receiver."""
    effects = Effects()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.taken().decode()
            effects.arrived(self.path.strip("/"), body)
            try:
                self.give(200, b"done")
            except OSError:
                return  # who asked has died

    with serving(Handler) as url:
        effects.url = url
        yield effects
