from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.claim("C16")

MAKER = Path(__file__).parents[2] / "vectors/make_c2sp.py"


def test_the_vectors_are_what_their_maker_makes():
    made = subprocess.run([sys.executable, MAKER, "--check"], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
