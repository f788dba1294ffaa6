"""Write flowctl/server/data/operations.tsv from the OpenAPI document of a Prefect server.

    python scripts/operations.py http://127.0.0.1:4200/api/openapi.json

Give the document of a running server, not a copy with sorted keys: the order of the paths is the order in which its
routes are declared, which decides what a 405 names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.request import urlopen

HEAD = """\
# Every operation of Prefect 3.8.1's API in its declared order: method, path, tags.
# Made by scripts/operations.py from the OpenAPI document of such a server; do not edit.
"""


def main(source: str) -> None:
    """Read the document at a URL or in a file, and write the table."""
    text = urlopen(source).read() if source.startswith("http") else Path(source).read_bytes()
    lines = [
        f"{method.upper()}\t{path}\t{','.join(operation.get('tags') or ['Root'])}\n"
        for path, operations in json.loads(text)["paths"].items()
        for method, operation in operations.items()
    ]
    target = Path(__file__).parent.parent / "flowctl" / "server" / "data" / "operations.tsv"
    target.write_text(HEAD + "".join(lines))
    print(f"{len(lines)} operations -> {target}")


if __name__ == "__main__":
    main(sys.argv[1])
