"""Merging rows of another database into this one: which are new, which have changed, and which stay as they are here.

What people set up     changed there since the last import and not here: as there.  Changed here: stays.  A name that is
                       taken here: stays, and what refers to it refers to the one here.
Runs                   changed there since, and in a state that was made there, or Late: as there.  Else they stay.
Artifacts              as they were changed last.
All else               is brought once.

Nothing is brought twice.  What somebody set up there and deleted here does not come back, nor a run that is in the
trash here; one that was deleted for good does, like its flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flowctl.db.database import Tx
from flowctl.db.queries import import_kinds as kinds
from flowctl.db.queries import import_writes as writes
from flowctl.db.queries.import_kinds import Matter, Row
from flowctl.db.tables import configurations

_KEY = "flowctl.imported."
"""With the name of a table: when each row of it was changed last there, as it was brought."""

_WAITED = "Late"
"""The one state that flowctl's services give to a run that nobody has touched here."""


@dataclass(slots=True)
class Tally:
    """What became of the rows of one kind.

    source   in the source; None: nobody can tell
    read     of these, not left out by a wish (`--since`, `--pause-schedules`) or because their run is gone
    kept     changed here, and therefore not brought again
    joined   there is one of that name here
    """

    source: int | None = None
    read: int = 0
    new: int = 0
    updated: int = 0
    kept: int = 0
    joined: int = 0

    @property
    def skipped(self) -> int:
        """All that is neither new nor updated."""
        return (self.read if self.source is None else self.source) - self.new - self.updated


class Merge:
    """One import into one database.

    dry_run          count, and write nothing
    pause_schedules  schedules come inactive
    """

    def __init__(self, *, dry_run: bool, pause_schedules: bool) -> None:
        self.tallies: dict[str, Tally] = {matter.table: Tally() for matter in kinds.ALL}
        self._dry_run = dry_run
        self._pause_schedules = pause_schedules
        self._ids: dict[str, dict[str, str]] = {}
        """By table: the ids here of what has another one there."""
        self._gone: dict[str, set[str]] = {}
        """By table: what was deleted here after it had been brought."""

    def page(self, tx: Tx, matter: Matter, rows: list[Row], states: Sequence[Row] = ()) -> None:
        """Bring some rows of a kind, in this transaction; of runs with the states that `wants_states` asked for."""
        tally = self.tallies[matter.table]
        tally.read += len(rows)
        rows = self._referred(matter, rows)
        if matter in kinds.SETTINGS:
            self._settings(tx, matter, rows, tally)
        elif matter in kinds.RUNS:
            self._runs(tx, matter, rows, states, tally)
        elif matter in kinds.DATED:
            self._dated(tx, matter, rows, tally)
        else:
            self._fixed(tx, matter, rows, tally)

    def wants_states(self, tx: Tx, matter: Matter, rows: Sequence[Row]) -> list[str]:
        """The runs of a page that are new here or have changed there."""
        here = writes.known(tx, matter, _ids(rows))
        at = matter.at["updated"]
        return [row[0] for row in rows if row[0] not in here or row[at] > here[row[0]].updated]

    # -- kinds

    def _settings(self, tx: Tx, matter: Matter, rows: list[Row], tally: Tally) -> None:
        here = writes.known(tx, matter, _ids(rows))
        as_imported = cast("dict[str, str]", configurations.get(tx, _KEY + matter.table) or {})
        new: list[Row] = []
        changed: list[Row] = []
        ids = self._ids.setdefault(matter.table, {})
        updated = matter.at["updated"]
        for row in rows:
            id, moment = row[0], row[updated]
            there = as_imported.get(id)
            if id in here:
                if moment == there or moment == here[id].updated:
                    continue
                if here[id].updated == there:
                    changed.append(row)
                    as_imported[id] = moment
                else:
                    tally.kept += 1
            elif (there is not None and matter is not kinds.FLOWS) or self._lacks_owner(matter, row):
                self._gone.setdefault(matter.table, set()).add(id)
                tally.kept += 1
            elif namesake := writes.namesake(tx, matter, row):
                ids[id] = namesake
                tally.joined += 1
            elif self._is_of_another(matter, row):
                tally.joined += 1
            else:
                new.append(row)
                as_imported[id] = moment
        tally.new += len(new)
        tally.updated += len(changed)
        if self._dry_run or not (new or changed):
            return
        if matter is kinds.SCHEDULES and self._pause_schedules:
            for row in (*new, *changed):
                row[matter.at["active"]] = 0
        writes.insert(tx, matter, new)
        writes.update(tx, matter, changed)
        if matter is kinds.SCHEDULES:
            writes.ask_for_evaluation(tx, _ids(changed))
        configurations.put(tx, _KEY + matter.table, cast("dict[str, Any]", as_imported))

    def _lacks_owner(self, matter: Matter, row: Row) -> bool:
        """Whether what it belongs to was deleted here."""
        return any(row[matter.at[column]] in self._gone.get(table, ()) for column, table in matter.refers)

    def _is_of_another(self, matter: Matter, row: Row) -> bool:
        """Whether it belongs to a deployment that is here under another id, and has its own."""
        joined = self._ids.get("deployment", {})
        if matter is kinds.SCHEDULES:
            return row[matter.at["deployment_id"]] in joined.values()
        return matter is kinds.LIMITS and str(row[matter.at["name"]]).removeprefix("deployment:") in joined

    def _runs(self, tx: Tx, matter: Matter, rows: list[Row], states: Sequence[Row], tally: Tally) -> None:
        state_matter = kinds.RUNS[matter]
        of_run: dict[str, list[Row]] = {}
        for state in states:
            of_run.setdefault(state[-1], []).append(state)
        here = writes.known(tx, matter, _ids(rows))
        trashed = writes.trashed(tx, matter, rows)
        new: list[Row] = []
        changed: list[Row] = []
        only_waited: list[str] = []
        updated = matter.at["updated"]
        for row in rows:
            id = row[0]
            known = here.get(id)
            own = of_run.get(id, [])
            if known is None:
                if id in trashed:
                    tally.kept += 1
                    continue
                new.append(_agreed(matter, state_matter, row, own))
            elif row[updated] > known.updated:
                is_theirs = known.state_id is None or any(state[0] == known.state_id for state in own)
                if is_theirs or known.state_name == _WAITED:
                    changed.append(_agreed(matter, state_matter, row, own))
                    if not is_theirs:
                        only_waited.append(id)
                else:
                    tally.kept += 1
            elif row[updated] < known.updated:
                tally.kept += 1
        brought = [state for row in (*new, *changed) for state in of_run.get(row[0], [])]
        known_states = writes.known(tx, state_matter, _ids(brought)) if changed else {}
        brought = [state for state in brought if state[0] not in known_states]
        tally.new += len(new)
        tally.updated += len(changed)
        state_tally = self.tallies[state_matter.table]
        state_tally.read += len(states)
        state_tally.new += len(brought)
        if self._dry_run:
            return
        if matter is kinds.FLOW_RUNS:
            writes.drop_taken_keys(tx, matter, new)
        for id in only_waited:
            writes.delete_other_states(tx, state_matter, id, of_run[id])
        writes.insert(tx, state_matter, brought)
        writes.insert(tx, matter, new)
        writes.update(tx, matter, changed)

    def _dated(self, tx: Tx, matter: Matter, rows: list[Row], tally: Tally) -> None:
        by_key = matter is kinds.COLLECTIONS
        place = matter.at["key"] if by_key else 0
        here = writes.known(tx, matter, [row[place] for row in rows], by="key" if by_key else "id")
        updated = matter.at["updated"]
        new = [row for row in rows if row[place] not in here]
        changed = [row for row in rows if row[place] in here and row[updated] > here[row[place]].updated]
        tally.kept += sum(row[place] in here and row[updated] < here[row[place]].updated for row in rows)
        tally.new += len(new)
        tally.updated += len(changed)
        if self._dry_run:
            return
        for row in changed:
            row[0] = here[row[place]].id
        writes.insert(tx, matter, new)
        writes.update(tx, matter, changed)

    def _fixed(self, tx: Tx, matter: Matter, rows: list[Row], tally: Tally) -> None:
        here = writes.known_lines(tx, rows) if matter is kinds.LOGS else set(writes.known(tx, matter, _ids(rows)))
        if matter in (kinds.LOGS, kinds.INPUTS) and (trashed := writes.trashed(tx, matter, rows)):
            tally.kept += len(trashed - here)
            here |= trashed
        new = [row for row in rows if row[0] not in here]
        if not self._dry_run and matter in kinds.FIXED:
            tally.new += writes.insert(tx, matter, new, or_ignore=True)
            return
        tally.new += len(new)
        if self._dry_run:
            return
        if matter is kinds.EVENTS:
            writes.insert_past_events(tx, new)
        else:
            writes.insert(tx, matter, new)

    def _referred(self, matter: Matter, rows: list[Row]) -> list[Row]:
        """The rows, with the ids that others have here."""
        for column, table in matter.refers:
            ids = self._ids.get(table)
            if ids:
                place = matter.at[column]
                for row in rows:
                    row[place] = ids.get(row[place], row[place])
        return rows


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row[0] for row in rows]


def _agreed(matter: Matter, state_matter: Matter, run: Row, states: Sequence[Row]) -> Row:
    """A run that says the state which it names; the last one if it names none of its own."""
    if not states:
        return run
    at, of_state = matter.at, state_matter.at
    current = next((state for state in states if state[0] == run[at["state_id"]]), states[-1])
    run[at["state_id"]] = current[0]
    for column, source in (("state_type", "type"), ("state_name", "name"), ("state_timestamp", "timestamp")):
        run[at[column]] = current[of_state[source]]
    return run
