"""How the text of a variable or of a configuration file becomes a setting's value."""

from __future__ import annotations

import re
from pathlib import Path

_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
CHOICES = {"synchronous": ("NORMAL", "FULL", "EXTRA", "OFF"), "missed_runs": ("skip", "latest", "all")}


def read_value(name: str, text: str, type_name: str, label: str) -> object:
    """The value of a setting.

    type_name  its annotation in `Settings`
    label      what it is called in the message of the ValueError when it cannot be read
    """
    kind = type_name.split(maxsplit=1)[0]
    try:
        if kind == "bool":
            return _WORDS[text.lower()]
        if kind == "int":
            return int(text)
        if kind == "float":
            return _seconds(text)
    except (KeyError, ValueError):
        expected = {"bool": "true or false", "int": "a whole number", "float": "a number of seconds, such as 90 or 2h"}
        raise ValueError(f"{label} cannot be read: it takes {expected[kind]}.") from None
    if choices := CHOICES.get(name):
        chosen = next((choice for choice in choices if choice.lower() == text.lower()), None)
        if chosen is None:
            raise ValueError(f"{label} cannot be read: it takes {' or '.join(choices)}.")
        return chosen
    return Path(text).expanduser() if kind == "Path" else text


def _seconds(text: str) -> float:
    """Seconds of `90`, `1.5`, `2h`, `7d`, and of ISO 8601 durations such as `P7D` or `PT1H30M`, which Prefect takes."""
    lowered = text.lower()
    if lowered.startswith("p"):
        days, _, clock = lowered[1:].partition("t")
        parts = re.findall(r"([\d.]+)([wd])", days) + re.findall(r"([\d.]+)([hms])", clock)
        if "".join(number + unit for number, unit in parts) != days + clock or not parts:
            raise ValueError(text)
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if lowered[-1] in _UNITS:
        return float(lowered[:-1]) * _UNITS[lowered[-1]]
    return float(lowered)
