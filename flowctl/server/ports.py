"""Ports: take one, or say who has it."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from flowctl.domain.errors import FlowctlError, Invalid


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises FlowctlError, naming the process that has the port if it can be found, and Invalid for an unknown host.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, OverflowError) as error:
        raise Invalid(f"{host}:{port} is no address to listen at: {error}.") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let two servers share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            owner = owner_of(port)
            raise FlowctlError(
                f"Port {port} is taken{f' by {owner}' if owner else ''}.", remedy=f"flowctl serve --port {port + 1}"
            ) from error
        raise FlowctlError(f"Cannot listen at {host}:{port}: {error.strerror}.") from error
    sock.setblocking(False)
    return sock


def owner_of(port: int) -> str | None:
    """The process that listens at a port, as `python server.py (process 4711)`; None where /proc does not tell."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in inodes:
                    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    return f"{' '.join(words).strip()} (process {process.name})"
        except OSError:
            continue  # another user's, or gone meanwhile
    return None


def _listening_inodes(port: int) -> set[str]:
    """`socket:[inode]` of each TCP socket that listens at a port."""
    inodes: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            local_port, state = int(words[1].rpartition(":")[2], 16), words[3]
            if local_port == port and state == "0A":
                inodes.add(f"socket:[{words[9]}]")
    return inodes
