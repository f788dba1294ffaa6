"""Templates that users write (Jinja): rendered in a sandbox, and bounded so that none can keep the server busy.

Jinja is loaded by the first text that is a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MAX_RANGE = 100
MAX_LOOPS = 10
MAX_LOOP_DEPTH = 2


class TemplateError(ValueError):
    """The template is malformed, breaks a bound, or failed on its values; the sentences are Prefect's.

    message  what is wrong, without the place
    line     where, from 1; 0 if that is the template as a whole
    """

    def __init__(self, text: str, *, message: str | None = None, line: int = 0) -> None:
        super().__init__(text)
        self.message = text if message is None else message
        self.line = line


def is_template(text: str) -> bool:
    """Whether there is anything to render."""
    return "{{" in text or "{%" in text


def check(text: str) -> None:
    """Raise TemplateError unless this is a template within the bounds."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(str(error), message=error.message, line=error.lineno) from None
    loops = len(list(tree.find_all(nodes.For)))
    if loops > MAX_LOOPS:
        raise TemplateError(f"Contains {loops} for loops. Templates can contain no more than {MAX_LOOPS} for loops.")
    depth = _loop_depth(tree, nodes.For)
    if depth > MAX_LOOP_DEPTH:
        raise TemplateError(
            f"Contains nested for loops at a depth of {depth}. "
            f"Templates can nest for loops no more than {MAX_LOOP_DEPTH} loops deep."
        )


def render(text: str, values: Mapping[str, Any]) -> str:
    """The text with `values` put in; a name that has none is empty.  Raises TemplateError."""
    if not is_template(text):
        return text
    check(text)
    try:
        return _environment().from_string(text).render(values)
    except Exception as error:  # a template raises whatever its values raise
        raise TemplateError(f"Failed to render template due to the following error: {error!r}") from None


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import ChainableUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
    environment.globals["range"] = _bounded_range  # pyright: ignore[reportArgumentType] - any callable serves
    return environment


def _bounded_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise OverflowError(f"Range too big. The sandbox blocks ranges larger than {MAX_RANGE}.")
    return numbers


def _loop_depth(node: Any, loop: type) -> int:
    deepest = max((_loop_depth(child, loop) for child in node.iter_child_nodes()), default=0)
    return deepest + isinstance(node, loop)
