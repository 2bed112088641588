#!/usr/bin/env python3
"""Write the vectors of note, checkpoint, policy and Merkle tree beside this file; `--check` only compares.

Keys follow from fixed labels and Ed25519 signs without randomness, so every run gives the same bytes.
"""

from __future__ import annotations

import sys

from c2sp import checkpoint, merkle, note, policy
from vector_files import write_or_check

MAKERS = (merkle, note, checkpoint, policy)

if __name__ == "__main__":
    files = {maker.__name__.rpartition(".")[2]: (maker.ABOUT, maker.vectors()) for maker in MAKERS}
    sys.exit(write_or_check(files))
