"""The index that log messages are searched by.

A row stands for a block of 64 positions of table log (`db/queries/log_search.py`), and holds which three characters
follow each other in its messages: any text can be looked up, not only words.  It holds no text (`content=''`), and of
each such trigram only in which blocks it is (`detail=none`): some 4 bytes a line.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from sqlite_utils import Database

from flowctl.db.migrations.registry import migrations

_INDEX = """
    CREATE VIRTUAL TABLE log_search
    USING fts5(messages, content='', columnsize=0, detail=none, tokenize='trigram')
"""


@migrations()
def m0009_log_search(db: Database) -> None:
    """Create the table, unless this SQLite was built without FTS5: searches then read the lines themselves."""
    with suppress(sqlite3.OperationalError):
        db.conn.execute(_INDEX)
