"""Memory: what this process used at most, what it may use, and whether the kernel killed for it."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")
_NO_LIMIT: Final = 1 << 60


def peak_memory() -> int:
    """Give this process's peak memory in bytes (since the attempt began, on Linux)."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory_limit() -> int:
    """Give the memory that this process may use at most: its container's, its own, all."""
    limits = [*_cgroup_limits(), _own_limit(), _machine()]
    return min((one for one in limits if 0 < one < _NO_LIMIT), default=0)


def _cgroup_limits() -> list[int]:
    """Give the limits of the control groups that this process is in."""
    limits = []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            base = _CGROUP / "memory" if kinds else _CGROUP
            name = "memory.limit_in_bytes" if kinds else "memory.max"
            group = base / path.lstrip("/")
            for folder in (group, *group.parents):
                with suppress(OSError, ValueError):
                    limits.append(int((folder / name).read_text(encoding="ascii")))
                if folder == base:
                    break
    return limits


def _own_limit() -> int:
    """Give the limit of the process's address space."""
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return 0 if soft == resource.RLIM_INFINITY else soft


def _machine() -> int:
    """Give the machine's memory."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 0


def kills() -> int:
    """Give how often the kernel has killed a process for want of memory since it started."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def boot() -> str:
    """Give what tells one start of the machine from another."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
