"""A local server that speaks enough of OpenAI's chat interface for tests."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving import QuietHandler, serving

__all__ = ["openai_server"]


class _OpenAIStub(QuietHandler):
    """Echoes the last message; a prompt such as ``status 429`` answers with that status, ``slow`` after five seconds."""

    def do_POST(self) -> None:
        asked = json.loads(self.taken())
        text = asked["messages"][-1]["content"]
        status = int(text.split()[1]) if text.startswith("status") else 200
        if text == "slow":
            time.sleep(5)
        choice = {"index": 0, "message": {"role": "assistant", "content": f"echo {text}"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        base = {"id": "1", "object": "chat.completion", "created": 1, "model": asked["model"]}
        body = json.dumps({**base, "choices": [choice], "usage": usage} if status == 200 else {"error": {}}).encode()
        self.give(status, body, Content_Type="application/json")


@contextmanager
def openai_server() -> Iterator[str]:
    """Serve on a free port of this machine and give the base URL."""
    with serving(_OpenAIStub) as url:
        yield f"{url}/v1"
