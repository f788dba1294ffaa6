"""`__main__` of flowctl.pyz: finds compiled packages in the user's cache, unpacking them there on first use.

What lies in the zip comes before what is installed, compiled or not: half of one release and half of another do not
work together.  Offline commands import none of them, so `flowctl.pyz runs ls` needs no cache at all.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

HERE = Path(sys.argv[0]).resolve()


class CompiledFinder:
    """Import hook for the packages below `_compiled/`; asked first."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._folders: list[str] | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module in the cache; None if it is no compiled package's."""
        if path is not None or name not in self._names:
            return None
        if self._folders is None:
            self._folders = unpack()
            sys.path[1:1] = self._folders  # for importlib.metadata; the zip itself is the first
        return importlib.machinery.PathFinder.find_spec(name, self._folders, target)


def unpack() -> list[str]:
    """Unpack the compiled wheels that fit this Python into the cache, once, and return their folders.

    The cache is named by the zip's own hash.  It is filled under a temporary name and renamed when complete, so that
    two first starts at once each find a whole one, and a start that is cut short leaves nothing that is used.
    """
    with zipfile.ZipFile(HERE) as archive:
        tags = [tag for tag in _tags(archive) if _fits(tag)]
        version = f"{archive.comment.decode()}-cp{sys.version_info.major}{sys.version_info.minor}"
        cache = _cache() / version
        if not cache.is_dir():
            cache.parent.mkdir(parents=True, exist_ok=True)
            partial = tempfile.mkdtemp(prefix=".partial-", dir=cache.parent)
            try:
                for name in archive.namelist():
                    if name.startswith(tuple(f"_compiled/{tag}/" for tag in tags)):
                        archive.extract(name, partial)
                Path(partial).rename(cache)
            except OSError:
                if not cache.is_dir():  # another start was faster otherwise
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    if not tags:
        here = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        print(
            f"error: {HERE.name} holds no compiled packages for {here} on this platform: "
            "build one here with scripts/build_zipapp.py, or install flowctl with pipx.",
            file=sys.stderr,
        )
        sys.exit(1)
    return [str(cache / "_compiled" / tag) for tag in tags]


def _cache() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 - it lies in the zip, behind this module

    return user_cache_path("flowctl", appauthor=False) / "zipapp"


def _tags(archive: zipfile.ZipFile) -> list[str]:
    return sorted({name.split("/")[1] for name in archive.namelist() if name.startswith("_compiled/")})


def _fits(tag: str) -> bool:
    """Whether a wheel's tag names this interpreter, or a stable ABI that it offers; pip chose the platform."""
    python, abi, _platform = tag.split("-")
    here = f"cp{sys.version_info.major}{sys.version_info.minor}"
    if abi == "abi3":
        return any(int(each[3:] or 0) <= sys.version_info.minor for each in python.split(".") if each.startswith("cp3"))
    return here in python.split(".") and "t" not in abi.removeprefix("cp")


sys.meta_path.insert(0, CompiledFinder(importlib.import_module("_compiled_names").NAMES))

if __name__ == "__main__":
    os.environ.setdefault("FLOWCTL_PYZ", str(HERE))
    from flowctl.__main__ import main

    sys.exit(main())
