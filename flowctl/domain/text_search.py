r"""Text queries as in Prefect's search fields: `word "a phrase" -not +must`.

Words and phrases without a prefix: one of them must occur.  With `-` or `!`: none of them may.  With `+`: each must.
Inside quotes `\"` and `\\` stand for a quote and a backslash.  Case does not count for A to Z: SQLite's `lower()`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass, field

_FOLD = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_TERM = re.compile(r'([-!+]?)(?:"((?:\\.|[^"\\]|\\\Z)*)(?:"|\Z)|([^\s"]+))', re.DOTALL)
_ESCAPE = re.compile(r"\\([\"\\])")


@dataclass(slots=True)
class TextQuery:
    """The terms of a query, in lower case."""

    include: list[str] = field(default_factory=list[str])
    exclude: list[str] = field(default_factory=list[str])
    required: list[str] = field(default_factory=list[str])

    def matches(self, text: str) -> bool:
        """Whether a text has what the query asks for; an empty query matches all."""
        folded = fold(text)
        return (
            (not self.include or any(term in folded for term in self.include))
            and not any(term in folded for term in self.exclude)
            and all(term in folded for term in self.required)
        )

    def map(self, change: Callable[[str], str]) -> TextQuery:
        """The query with each term changed, such as escaped like the text to search in."""
        return TextQuery(*([change(term) for term in terms] for terms in (self.include, self.exclude, self.required)))


def parse(query: str) -> TextQuery:
    """Take a query apart; anything is a query, what makes no sense is ignored."""
    result = TextQuery()
    for prefix, phrase, word in _TERM.findall(query):
        term = word or _ESCAPE.sub(r"\1", phrase)
        if not term.strip() or (not prefix and word in ("-", "!", "+")):
            continue
        terms = result.required if prefix == "+" else result.exclude if prefix else result.include
        terms.append(fold(term))
    return result


def fold(text: str) -> str:
    """Lower case of A to Z, as SQLite's `lower()` has it."""
    return text.translate(_FOLD)
