r"""Patterns that log messages are searched by, and the body and the answer of a search.

    words   every word must occur, in any order: `KeyError: 'x'` finds itself.  "In quotes" blanks count, and `time*`
            finds words that begin so.  Nothing else has a meaning of its own.
    fixed   the text as it is
    regex   a regular expression

Case does not count; in a regular expression `(?-i:Text)` makes it count.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from typing import Annotated, ClassVar
from uuid import UUID

from annotated_types import Ge, Le, MaxLen, MinLen

from flowctl.domain.errors import Invalid
from flowctl.domain.flow_filters import FlowFilter
from flowctl.domain.log_filters import LogFilter
from flowctl.domain.logs import Log

_TERM = re.compile(r'"([^"]+)"|(\S+)')
_PREFIX = re.compile(r"\w+\*")
_OPEN_ENDED = re.compile(r"[*+]|\{\d*,\d*\}|\?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogPattern:
    """What to look for: every part must be found.

    literals  texts that every match holds, whatever the case: what an index can look up
    """

    parts: tuple[re.Pattern[str], ...]
    literals: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Whether all parts are in a text."""
        return all(part.search(text) for part in self.parts)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text the parts are: begins and ends, in order, those that touch joined."""
        found = sorted(each.span() for part in self.parts for each in part.finditer(text) if each.group())
        joined: list[tuple[int, int]] = []
        for begin, end in found:
            if joined and begin <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(end, joined[-1][1])
            else:
                joined.append((begin, end))
        return joined


def parse(text: str, *, regex: bool = False, fixed: bool = False) -> LogPattern:
    """Take a pattern apart.  Raises Invalid for an empty one, and for a regular expression that is none."""
    if regex:
        return _parse_regex(text)
    terms = [text] if fixed else [phrase or word for phrase, word in _TERM.findall(text)]
    if not any(term.strip() for term in terms):
        raise Invalid("The pattern is empty.")
    parts: list[str] = []
    literals: list[str] = []
    for term in dict.fromkeys(terms):
        is_prefix = not fixed and _PREFIX.fullmatch(term)
        literals.append(term[:-1] if is_prefix else term)
        parts.append((r"(?<!\w)" if is_prefix else "") + re.escape(literals[-1]))
    return LogPattern(tuple(re.compile(part, re.IGNORECASE) for part in parts), tuple(literals))


def _parse_regex(text: str) -> LogPattern:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what may mean something else one day
            compiled = re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise Invalid(f"{text!r} is not a regular expression: {error}.") from error
    if not text:
        raise Invalid("The pattern is empty.")
    literals = _Literals(text)
    if literals.is_dangerous:
        raise Invalid(
            f"{text!r} repeats what is repeated already, which can take for ever.",
            remedy="write (ab)+ instead of (ab+)+",
        )
    return LogPattern((compiled,), tuple(literals.found))


class _Literals:
    """Reads a regular expression: the texts that all of its matches hold, as far as that is easy to tell."""

    def __init__(self, text: str) -> None:
        self.found: list[str] = []
        self.is_dangerous = False
        self._run: list[str] = []
        groups: list[bool] = []  # of each open group, whether something in it may repeat without end
        position = 0
        while position < len(text):
            character = text[position]
            after = position + 1
            if character == "[" and (inside := _CLASS.match(text, position)):
                self._end()
                after = inside.end()
            elif character == "\\":
                after += 1
                escaped = text[position + 1]
                self._take(escaped, at_top=not groups) if not escaped.isalnum() else self._end()
            elif character == "(":
                self._end()
                groups.append(False)
                if text.startswith("(?", position):
                    after += 1
            elif character == ")":
                self._end()
                inner = groups.pop()
                if inner and _OPEN_ENDED.match(text, after) and text[after] != "?":
                    self.is_dangerous = True
                if groups:
                    groups[-1] = groups[-1] or inner
            elif repeated := _OPEN_ENDED.match(text, position):
                if self._run:
                    self._run.pop()
                self._end()
                if groups and character != "?":
                    groups[-1] = True
                after = repeated.end()
            elif character in "|.^${}":
                if character == "{" and self._run:
                    self._run.pop()
                self._end()
                after = (text.find("}", position) + 1 or after) if character == "{" else after
            else:
                self._take(character, at_top=not groups)
            position = after
        self._end()
        if "|" in text or re.search(r"\(\?[a-z]*x", text):  # one side is enough; blanks mean nothing
            self.found = []

    def _take(self, character: str, *, at_top: bool) -> None:
        if at_top:
            self._run.append(character)

    def _end(self) -> None:
        if self._run:
            self.found.append("".join(self._run))
        self._run = []


@dataclass(slots=True, kw_only=True)
class LogSelection:
    """Which log lines.  Body of `POST /flowctl/logs/stats`.

    logger   name of a logger; those below it count too
    flows    of runs of such flows
    """

    NULL_IS_DEFAULT: ClassVar[bool] = True

    logs: LogFilter | None = None
    logger: str | None = None
    flows: FlowFilter | None = None


@dataclass(slots=True, kw_only=True)
class LogSearch(LogSelection):
    """Body of `POST /flowctl/logs/search`.

    context  lines of the same run before and after each match
    before   go on behind this position: `before` of the answer to the last request
    """

    pattern: Annotated[str, MinLen(1), MaxLen(1000)]
    regex: bool = False
    fixed: bool = False
    context: Annotated[int, Ge(0), Le(50)] = 0
    limit: Annotated[int, Ge(1), Le(200)] = 100
    before: int | None = None


@dataclass(slots=True, kw_only=True)
class LogMatch:
    """A line that matches.

    position  in the order in which lines were stored
    spans     where in the message the pattern is: begin and end, in characters (code points)
    earlier   lines of the same run before it, oldest first
    later     and after it
    """

    position: int
    log: Log
    spans: list[tuple[int, int]]
    earlier: list[Log] = field(default_factory=list[Log])
    later: list[Log] = field(default_factory=list[Log])


@dataclass(slots=True, kw_only=True)
class LogSearchRun:
    """A flow run that has lines among the matches."""

    id: UUID
    name: str
    flow_id: UUID
    flow_name: str | None


@dataclass(slots=True, kw_only=True)
class LogSearchResult:
    """A page of matches, the newest first.

    looked  about how many lines were looked at for it
    before  where to go on; null at the end.  A page may be short, or empty, and still not be the last: one request
            looks at a bounded number of lines.
    """

    matches: list[LogMatch]
    runs: list[LogSearchRun]
    looked: int
    before: int | None
