"""What a service sets in Python, and takes back."""

import gc
import platform
import subprocess
import sys

import pytest

from command_line import call
from sealtrail.service import Service


def _settings():
    return gc.get_threshold()[0], pytest.approx(sys.getswitchinterval())


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("command", ["chain", "archive"])
def test_a_service_runs_with_its_settings_and_takes_them_back(monkeypatch, command):
    seen, run = [], Service.run

    def watched(self, *arguments):
        seen.append(_settings())
        run(self, *arguments)

    monkeypatch.setattr(Service, "run", watched)
    before = _settings()
    assert call(command, "--drain").exit_code == 0
    assert seen == [(50_000, 0.0005)]
    assert _settings() == before != seen[0]


PROGRAM = """
import ctypes, sys
from sealtrail.interpreter import give_back_large_blocks

def resident_mib():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

if sys.argv[1] == "yes":
    give_back_large_blocks()
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
free(malloc(ctypes.c_size_t(31 << 20)))  # from now on, glibc takes 31 MiB from a heap
before = resident_mib()
blocks = [malloc(ctypes.c_size_t(8 << 20)) for _ in range(8)]
small = malloc(ctypes.c_size_t(100_000))  # lies behind them, so that the heap can't shrink
for block in blocks:
    ctypes.memset(block, 1, 8 << 20)
for block in blocks:
    free(block)
print(resident_mib() - before)
"""


def kept_mib(choice: str) -> int:
    """How much of 64 MiB stays with a process that has freed them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, choice], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is nothing to be set in other libraries")
def test_large_blocks_are_given_back():
    assert kept_mib("no") > 48
    assert kept_mib("yes") < 8
