"""`flowctl doctor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowctl.cli.context import Session
from flowctl.cli.tables import Column, Look
from flowctl.domain.errors import FlowctlError, Invalid

if TYPE_CHECKING:
    from flowctl.cli.doctor_checks import Finding

EXAMPLES = """
flowctl doctor
flowctl doctor --fix
flowctl doctor -o json
"""

_SIGNS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "bad": ("✗", "red")}


def _sign(finding: Finding, look: Look) -> str:
    return f"{_SIGNS[finding.verdict][0]} {finding.check}" if look.icons else f"{finding.verdict:4} {finding.check}"


_COLUMNS = (
    Column("CHECK", lambda finding: finding.check, _sign, style=lambda finding: _SIGNS[finding.verdict][1]),
    Column("VERDICT", lambda finding: finding.verdict, wide=True),
    Column("FOUND", lambda finding: finding.message, cut=True),
)


def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended: a missing file, schema, mode.")] = False,
) -> int:
    """Look at what a working flowctl needs: file, schema, permissions, disk, port, PREFECT_API_URL, client version.

    Ends with exit code 1 if something is bad.
    """
    session = Session.of(ctx)
    output = session.output
    from flowctl.cli.doctor_checks import Patient, examine
    from flowctl.settings import load

    try:
        api_url = load(profile=True).api_url
    except ValueError as error:
        raise Invalid(str(error)) from error
    patient = Patient(session.database_path.absolute(), session.settings, os.environ, api_url)
    findings = examine(patient)
    if fix:
        mended = [finding for finding in findings if finding.mend and finding.verdict != "ok"]
        for finding in mended:
            _mend(session, finding)
        findings = examine(patient) if mended and not session.options.dry_run else findings
    if output.wants_data:
        output.data([_wire(finding) for finding in findings])
    elif output.format == "id":
        output.lines([finding.check for finding in findings if finding.verdict == "bad"])
    else:
        output.table(_COLUMNS, findings)
        for finding in findings:
            if finding.remedy and output.format != "csv":
                output.note(f"{finding.check}: {finding.remedy}")
    return int(any(finding.verdict == "bad" for finding in findings))


def _mend(session: Session, finding: Finding) -> None:
    if session.options.dry_run:
        session.output.note(f"would mend {finding.check}: {finding.message}")
        return
    assert finding.mend
    try:
        finding.mend()
    except (FlowctlError, OSError) as error:
        session.output.failure(f"{finding.check} could not be mended: {error}")
    else:
        session.output.note(f"mended {finding.check}: {finding.message}")


def _wire(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "verdict": finding.verdict,
        "message": finding.message,
        "remedy": finding.remedy,
        "can_be_fixed": finding.mend is not None,
    }
