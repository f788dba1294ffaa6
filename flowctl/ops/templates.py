"""Templates that users write: whether one is well-formed and within the bounds."""

from __future__ import annotations

from dataclasses import dataclass

from flowctl.domain import templates


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """Why a template is refused; `line` counts from 1, and is 0 for a template that is too large as a whole."""

    line: int
    message: str
    source: str


def check(text: str) -> TemplateFault | None:
    """What is wrong with a template, or None."""
    try:
        templates.check(text)
    except templates.TemplateError as error:
        return TemplateFault(line=error.line, message=error.message, source=text)
    return None
