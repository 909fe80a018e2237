"""The command line, without a browser: what it says, what it refuses, what it binds."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from gradprod.serve import command
from gradprod.serve.kernel import limit_memory


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradprod.serve.command", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says on its way out with code 2."""
    try:
        code = command.main(arguments)
    except SystemExit as leaving:
        code = leaving.code
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    return said.err


def test_help_names_every_option_and_comes_at_once():
    start = os.times()
    done = run("--help")
    end = os.times()
    took = end.children_user + end.children_system - start.children_user - start.children_system
    assert done.returncode == 0
    for option in ("--port", "--ip", "--no-browser", "--help", "--version"):
        assert option in done.stdout
    assert "8866" in done.stdout
    assert done.stderr == ""
    imported = subprocess.run(
        [sys.executable, "-c", "import sys, gradprod.serve.command; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"tornado", "voila", "jupyter_server", "traitlets", "plotly"} & set(imported)
    assert took < 10  # seconds of its own: the machine may do everything else too


def test_version(capsys):
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradprod {version('gradprod')}\n"


@pytest.mark.parametrize("text", ["65536", "-1", "abc", "80.5", "", "٣"])
def test_a_port_that_is_none_is_refused_in_one_sentence(capsys, text):
    assert refusal(capsys, f"--port={text}") == (
        f"gradprod: --port must be a whole number from 0 to 65535, got {text!r}; 0 takes any that is free\n"
    )


@pytest.mark.parametrize("ip", ["192.0.2.1", "nowhere.invalid", "999.1.1.1", "", "*", "127.0.0.1:80"])
def test_an_address_that_is_not_ours_is_refused_in_one_sentence(capsys, ip):
    assert refusal(capsys, "--ip", ip, "--port", "0") == (
        f"gradprod: --ip must be an address of this machine, got {ip!r}; 127.0.0.1 serves this machine "
        "alone, 0.0.0.0 its whole network\n"
    )


@pytest.mark.parametrize("arguments", [["--prot", "1"], ["page.ipynb"], ["--port"], ["--no-browser=yes"]])
def test_an_option_that_there_is_not_is_refused_in_one_sentence(capsys, arguments):
    said = refusal(capsys, *arguments)
    assert said.count("\n") == 1
    assert said.startswith("gradprod: ")
    assert said.endswith("; gradprod --help lists the options\n")


def test_a_reserved_port_is_refused_in_one_sentence(capsys, monkeypatch):
    def denied(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tornado.netutil.bind_sockets", denied)
    assert refusal(capsys, "--port", "80") == (
        "gradprod: --port 80 is reserved for the system; choose one from 1024 to 65535\n"
    )


def test_the_process_ends_with_two_and_no_traceback():
    done = run("--port", "abc")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_taken_port_gives_the_next_one_that_is_free():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sockets = command.listen("127.0.0.1", port)
        found = sockets[0].getsockname()[1]
        for s in sockets:
            s.close()
    assert found != port
    assert 1 <= found - port <= 20 or port > 65515


def test_a_range_of_taken_ports_gives_any_that_is_free(monkeypatch):
    from tornado import netutil

    bind = netutil.bind_sockets

    def all_taken(port, address):
        if port:
            raise OSError(command.errno.EADDRINUSE, "Address already in use")
        return bind(port, address)

    monkeypatch.setattr(netutil, "bind_sockets", all_taken)
    (s,) = command.listen("127.0.0.1", 8866)
    assert s.getsockname()[1] > 0
    s.close()


def test_no_free_port_at_all_is_said_in_one_sentence(capsys, monkeypatch):
    def all_taken(*arguments):
        raise OSError(command.errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr("tornado.netutil.bind_sockets", all_taken)
    assert refusal(capsys) == ("gradprod: --ip 127.0.0.1 has no port free; stop another server first\n")


@pytest.mark.parametrize(
    ("ip", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8866/"),
        ("::1", "http://[::1]:8866/"),
        ("localhost", "http://localhost:8866/"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(ip, url):
    assert command.address(ip, 8866) == url


def test_all_addresses_are_announced_as_one_that_others_can_use(monkeypatch):
    monkeypatch.setattr(command, "own_address", lambda: "192.0.2.7")
    assert command.address("0.0.0.0", 1234) == "http://192.0.2.7:1234/"
    assert command.address("::", 1234) == "http://192.0.2.7:1234/"


def test_only_loopback_counts_as_this_machine_alone():
    def at(*ips):
        return [SimpleNamespace(getsockname=lambda ip=ip: (ip, 80)) for ip in ips]

    assert command.is_loopback(at("127.0.0.1"))
    assert command.is_loopback(at("127.0.0.1", "::1"))
    assert not command.is_loopback(at("0.0.0.0"))
    assert not command.is_loopback(at("127.0.0.1", "192.0.2.7"))


def test_who_may_call_it_what():
    from gradprod.serve.server import host_pattern

    own = re.compile(host_pattern(["Classroom", "classroom.school.example"]))
    for name in ("localhost", "127.0.0.1", "[::1]", "192.168.1.5", "classroom", "classroom.school.example"):
        assert own.match(name), name
    for name in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "classroomXschool.example",
    ):
        assert not own.match(name), name


def test_a_missing_browser_is_said(capsys, monkeypatch):
    monkeypatch.setattr(command.webbrowser, "open", lambda url: False)
    command.open_browser("http://127.0.0.1:8866/")
    assert capsys.readouterr().out == "No browser was found; open this address in one.\n"


def test_a_huge_array_is_a_memory_error_and_the_kernel_lives():
    pytest.importorskip("resource", reason="this system has no such limits")
    script = """
import numpy as np
from gradprod.serve.kernel import limit_memory
limit_memory()
try:
    np.ones(4 * 1024**3)
except MemoryError:
    print("refused, and alive:", np.ones(3).sum())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    if sys.platform == "linux":
        assert done.stdout == "refused, and alive: 3.0\n", done.stderr
    assert limit_memory.__defaults__ == (2 * 1024**3,)
