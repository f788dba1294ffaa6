"""`flowctl` and `python -m flowctl`: the quick door first, then the whole command line."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of `sys.argv`; its exit code."""
    from flowctl.cli import fast

    code = fast.serve(sys.argv[1:])
    if code is None:
        from flowctl.cli.main import run

        code = run(sys.argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
