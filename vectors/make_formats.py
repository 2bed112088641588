#!/usr/bin/env python3
"""Write the vectors of the formats of docs/format.md beside this file; `--check` only compares.

Everything is put together here from docs/format.md, by nothing that sealtrail encodes with, and follows from
fixed labels: every run gives the same bytes.
"""

from __future__ import annotations

import sys

from formats import batch, body, control, leaf, payload, seal, tlog_proof
from vector_files import write_or_check

MAKERS = (payload, leaf, body, control, batch, seal, tlog_proof)

if __name__ == "__main__":
    files = {maker.__name__.rpartition(".")[2]: (maker.ABOUT, maker.vectors()) for maker in MAKERS}
    sys.exit(write_or_check(files))
