"""What commands tell of the states that they proposed, and how they wait for the runs afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.cli import waiting
from flowctl.cli.context import REFUSED, Session
from flowctl.cli.selection import Outcome
from flowctl.cli.tables import Look, short_id

if TYPE_CHECKING:
    from flowctl.cli.results import Verdict


def tell(session: Session, outcome: Outcome[Verdict], *, single: bool, hint: str = "") -> int:
    """Print the verdicts; the exit code."""
    output = session.output
    verdicts = outcome.done
    refused = [verdict for verdict in verdicts if not verdict.accepted]
    if output.wants_data:
        answers = [verdict.wire if single else {"flow_run_id": verdict.id, **verdict.wire} for verdict in verdicts]
        output.data(answers, single=single and len(answers) == 1)
    elif output.format == "id":
        output.lines([verdict.id for verdict in verdicts if verdict.accepted])
    else:
        dry_run = session.options.dry_run
        output.lines([_change(verdict, output.look, dry_run) for verdict in verdicts if verdict.accepted])
    note_unasked_rules(session)
    for verdict in refused:
        reason = (verdict.reason or "no reason").removeprefix("Reason: ").rstrip(".")
        output.failure(f"refused: {short_id(verdict.id)} is {verdict.before}: {reason}. {hint}".rstrip())
    outcome.done = [verdict for verdict in verdicts if verdict.accepted]
    outcome.failed += [(verdict.id, REFUSED) for verdict in refused]
    return outcome.code


def note_unasked_rules(session: Session) -> None:
    """Say so when a dry run could not ask those who decide."""
    if session.options.dry_run and session.is_remote and session.api.is_prefect:
        session.output.note("The server's own rules were not asked: they may refuse it.")


def _change(verdict: Verdict, look: Look, dry_run: bool) -> str:
    arrow = "→" if look.icons else "->"
    would = "would be " if dry_run else ""
    return f"{verdict.name} ({short_id(verdict.id)}): {verdict.before} {arrow} {would}{verdict.after}"


def then_wait(
    session: Session, outcome: Outcome[Verdict], code: int, timeout: str, *, welcome: str = "COMPLETED"
) -> int:
    """Wait for the runs that were changed; the exit code of the change, or else that of how they ended."""
    ids = [verdict.id for verdict in outcome.done]
    waited = waiting.wait(session, ids, timeout=waiting.parse_timeout(timeout))
    waiting.report(session, waited, ids)
    for moment in waited.ended.values():
        if moment and not session.output.wants_data:
            session.output.note(waiting.line(moment, session.output.messages))
    return code or waited.code(ids, welcome=welcome)
