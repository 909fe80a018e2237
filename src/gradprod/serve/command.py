"""The command line: checks what was typed, finds a port, says where the app is, and runs the server."""

from __future__ import annotations

import argparse
import errno
import ipaddress
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from typing import NoReturn

from gradprod.i18n import gettext as _

PORT = 8866
LOOPBACK = "127.0.0.1"


class BadOption(ValueError):
    """What was typed can't be used; the sentence says why and what can."""


class Parser(argparse.ArgumentParser):
    """An argument parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"gradprod: {message}; gradprod --help lists the options\n")


def parser() -> Parser:
    """The options of the command."""
    p = Parser(prog="gradprod", description=_("Start the gradprod app and open it in the browser."))
    p.add_argument(
        "--port",
        default=str(PORT),
        help=_("port to serve on, 0 for any that is free (default: {port}; another if taken)", port=PORT),
    )
    p.add_argument(
        "--ip",
        default=LOOPBACK,
        help=_(
            "address to serve on (default: {ip}, this machine alone; 0.0.0.0: everybody on its network, "
            "without a password)",
            ip=LOOPBACK,
        ),
    )
    p.add_argument("--no-browser", action="store_true", help=_("do not open the browser"))
    p.add_argument("--version", action="store_true", help=_("print the version and stop"))
    return p


def port_number(text: str) -> int:
    """The port that `text` names."""
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise BadOption(
            _(
                "--port must be a whole number from 0 to 65535, got {text!r}; 0 takes any that is free",
                text=text,
            )
        )
    return int(text)


def not_ours(ip: str) -> str:
    """The sentence for an address that can't be served on."""
    return _(
        "--ip must be an address of this machine, got {ip!r}; {here} serves this machine alone, "
        "0.0.0.0 its whole network",
        ip=ip,
        here=LOOPBACK,
    )


def listen(ip: str, port: int) -> list[socket.socket]:
    """Sockets that listen on `ip`, at `port` or, where that is taken, at the next one that is free."""
    from tornado.netutil import bind_sockets

    if not ip.strip("*"):  # which the system takes for every address
        raise BadOption(not_ours(ip))
    for candidate in [*range(port, min(port + 20, 65536)), 0]:
        try:
            return bind_sockets(candidate, ip)
        except PermissionError:
            raise BadOption(
                _("--port {port} is reserved for the system; choose one from 1024 to 65535", port=port)
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise BadOption(not_ours(ip)) from None
    raise BadOption(_("--ip {ip} has no port free; stop another server first", ip=ip))


def is_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Whether only this machine reaches the sockets."""
    return all(ipaddress.ip_address(s.getsockname()[0]).is_loopback for s in sockets)


def own_address() -> str:
    """This machine's address on its network, as far as it knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a route and sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def address(ip: str, port: int) -> str:
    """The URL of the app, served on `ip`."""
    host = own_address() if ip in ("0.0.0.0", "::") else f"[{ip}]" if ":" in ip else ip
    return f"http://{host}:{port}/"


def open_browser(url: str) -> None:
    """Open `url` in the reader's browser; say so where there is none."""
    if not webbrowser.open(url):
        print(_("No browser was found; open this address in one."), flush=True)


def run(options: argparse.Namespace) -> None:
    """Start the server and stay until it is stopped."""
    port = port_number(options.port)
    sockets = listen(options.ip, port)
    found = sockets[0].getsockname()[1]
    if port not in (0, found):
        print(_("Port {port} is taken; using {found}.", port=port, found=found), flush=True)
    url = address(options.ip, found)
    here = is_loopback(sockets)

    def ready() -> None:
        print(_("gradprod is at {url}", url=url))
        if not here:
            print(_("Everybody who reaches this address can use it: there is no password."))
        print(_("Press Ctrl-C to stop it."), flush=True)
        if not options.no_browser:
            threading.Thread(target=open_browser, args=(url,), daemon=True).start()

    from gradprod.serve.server import serve

    names = (
        [] if here else [options.ip, socket.gethostname(), f"{socket.gethostname()}.local", socket.getfqdn()]
    )
    serve(sockets, host_names=names, ready=ready)


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``gradprod`` command; returns its exit code."""
    options = parser().parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"gradprod {version('gradprod')}")
        return 0
    try:
        run(options)
    except BadOption as error:
        print(f"gradprod: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass  # stopped while it was starting
    return 0


if __name__ == "__main__":
    sys.exit(main())
