"""The command line: checks what was typed, finds a port, says where the app is, and runs the server."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence


def listen(ip: str, port: int) -> list[socket.socket]:
    from tornado.netutil import bind_sockets

    return bind_sockets(port, ip)


def main(arguments: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=8866)
    p.add_argument("--ip", default="127.0.0.1")
    p.add_argument("--no-browser", action="store_true")
    a = p.parse_args(arguments)
    sockets = listen(a.ip, a.port)
    from gradprod.serve.server import serve

    print(f"http://{a.ip}:{sockets[0].getsockname()[1]}/", flush=True)
    serve(sockets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
