"""The app's kernel: an IPython kernel that keeps no history and can't take the machine's memory with it."""

from __future__ import annotations

import contextlib
import sys

MEMORY_LIMIT = 2 * 1024**3  # bytes of data; the page, and the server, need about a tenth


def limit_memory(limit: int = MEMORY_LIMIT) -> None:
    """Let allocations beyond `limit` bytes fail with MemoryError, where the system has such limits.

    RLIMIT_DATA rather than RLIMIT_AS: address space counts every mapped library, several times what is used.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a lower limit set from outside
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    """Run the kernel that the arguments' connection file describes."""
    limit_memory()
    sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # nobody debugs the app's kernel: 8 MB less
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance([*sys.argv[1:], "--HistoryManager.enabled=False", "--log-level=ERROR"])


if __name__ == "__main__":
    main()
