"""Spans of time as people read them.  Starts fast: nothing is imported."""

from __future__ import annotations

_DAY = 86400


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `4m12s`, `1h05m`, `2d3h`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < _DAY:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // 3600}h"


def age(seconds: float) -> str:
    """The same in one unit: `22m`, `3d`."""
    for unit, size in (("d", _DAY), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
