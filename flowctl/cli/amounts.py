"""Sizes in bytes: as people type them, and as people read them."""

from __future__ import annotations

import re

_UNITS = ("bytes", "kB", "MB", "GB")
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def size(count: float) -> str:
    """`812 bytes`, `12 MB`, `1.9 GB`, `1.2 TB`."""
    for unit in _UNITS:
        if count < 999.5:
            return f"{count:.1f} {unit}" if 0 < count < 9.95 and unit != "bytes" else f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def parse_size(text: str) -> int:
    """Bytes of `5GB`, `500 MB`, `1.5g`, `4096`.  Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size; write it like 500MB or 5GB.")
    return round(float(found[1]) * _FACTORS[found[2].lower()])
