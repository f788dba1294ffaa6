"""Build flowctl.pyz: flowctl and all it needs in one file, for any machine with Python.

    python scripts/build_zipapp.py                            # for this Python on this platform
    python scripts/build_zipapp.py --python 3.11 --python 3.13    # compiled wheels for these versions too
    python scripts/build_zipapp.py -o dist/flowctl.pyz

Pure packages run from the zip.  Compiled wheels cannot be imported from one: they lie in it below `_compiled/` and
`scripts/zipapp_main.py`, which becomes the zip's `__main__`, unpacks those that fit into the user's cache when one is
first imported.  Modules are stored with their bytecode for the building Python; others compile them as they go.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import marshal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = {"pip"}
"""Dependencies of dependencies that flowctl never imports (sqlite-utils needs pip for its own `install` command)."""

EPOCH = (2020, 1, 1, 0, 0, 0)
"""Date of every member: the same sources give the same file."""


def main() -> None:
    """Read the command line, build, and say what came out."""
    parser = argparse.ArgumentParser(description="Build flowctl.pyz.")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "flowctl.pyz")
    parser.add_argument("--python", action="append", default=[], help="further Python versions, such as 3.13")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = collect_wheels(Path(scratch), options.python)
        build(wheels, options.output)
    compiled = sorted(wheel.name.split("-")[0] for wheel in wheels if not is_pure(wheel))
    print(f"{options.output}  {options.output.stat().st_size / 1e6:.1f} MB, {len(wheels)} packages")
    print(f"compiled, unpacked on first use: {', '.join(compiled)}")


def collect_wheels(scratch: Path, versions: list[str]) -> list[Path]:
    """Make the wheels of flowctl and its dependencies, and fetch the compiled ones for other Python versions."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--wheel-dir", str(scratch), str(ROOT)], check=True)
    pinned = ["==".join(wheel.name.split("-")[:2]) for wheel in scratch.glob("*.whl") if not is_pure(wheel)]
    for version in versions:
        fetch = [*pip, "download", "--only-binary=:all:", "--no-deps", "--python-version", version]
        subprocess.run([*fetch, "--dest", str(scratch), *pinned], check=True)
    return sorted(wheel for wheel in scratch.glob("*.whl") if wheel.name.split("-")[0] not in LEFT_OUT)


def is_pure(wheel: Path) -> bool:
    """Whether a wheel runs on every Python and platform, and so from inside a zip."""
    return wheel.name.endswith("-none-any.whl")


def build(wheels: list[Path], output: Path) -> None:
    """Write the zip: pure wheels at its root, the others below `_compiled/<tag>/`, and a hash of all in its comment."""
    members: dict[str, bytes] = {"__main__.py": (ROOT / "scripts" / "zipapp_main.py").read_bytes()}
    for wheel in wheels:
        tag = "-".join(wheel.stem.split("-")[2:])
        prefix = "" if is_pure(wheel) else f"_compiled/{tag}/"
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if not name.endswith("/"):
                    members[prefix + name] = archive.read(name)
    members["_compiled_names.py"] = f"NAMES = frozenset({top_level_names(members)!r})\n".encode()
    for name in [name for name in members if name.endswith(".py") and not name.startswith("_compiled/")]:
        members[name + "c"] = bytecode(name, members[name])
    digest = hashlib.sha256()
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + ".partial")
    with partial.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(members.items()):
                digest.update(name.encode() + b"\0" + content)
                info = zipfile.ZipInfo(name, EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
            archive.comment = digest.hexdigest()[:32].encode()
    partial.chmod(0o755)
    partial.replace(output)


def top_level_names(members: Iterable[str]) -> list[str]:
    """What the compiled wheels offer to import."""
    parts = [name.split("/") for name in members if name.startswith("_compiled/")]
    return sorted({part[2].partition(".")[0] for part in parts if not part[2].endswith((".dist-info", ".libs"))})


def bytecode(name: str, source: bytes) -> bytes:
    """The .pyc of a module that is trusted as it is (PEP 552, unchecked hash)."""
    code = compile(source, name, "exec", dont_inherit=True)
    flags = (0b01).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code)


if __name__ == "__main__":
    main()
