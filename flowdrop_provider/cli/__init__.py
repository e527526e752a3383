"""The ``flowdrop`` command line; ``docs/cli.md`` has every command.

Nothing here imports Airflow, and only commands about a deployment do when they are called; ``flowdrop validate`` answers in a
fraction of a second. Every command has a readable form and ``--json`` with a documented, stable shape (``docs/cli.md``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 fine, 1 refused or failed, 2 wrong usage.

    :param argv: arguments without the program's name; the process's own when ``None``.
    """
    from flowdrop_provider.cli.arguments import build_parser
    from flowdrop_provider.cli.rendering import print_error
    from flowdrop_provider.errors import FlowDropError

    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.handler(arguments))
    except FlowDropError as error:
        print_error(error, as_json=arguments.json)
        return 1
    except BrokenPipeError:
        # The reader of a pipe has gone; say nothing more, not even at exit.
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
