#!/usr/bin/env python3
"""Write the vectors of payload, leaf, body, batch and seal beside this file; `--check` only compares.

Everything is put together here from docs/format.md, by nothing that sealtrail encodes with, and follows from
fixed labels: every run gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from formats import batch, body, leaf, payload, seal

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Write or check; return the exit status."""
    stale = []
    for maker in (payload, leaf, body, batch, seal):
        path = HERE / f"{maker.__name__.rpartition('.')[2]}.json"
        vectors = maker.vectors()
        names = [vector["name"] for vector in vectors]
        if len(names) != len(set(names)):
            raise ValueError(f"{path.name} has two vectors of one name")
        text = json.dumps({"about": maker.ABOUT, "vectors": vectors}, indent=1) + "\n"
        if "--check" not in arguments:
            path.write_text(text, encoding="ascii")
        elif not path.exists() or path.read_text(encoding="ascii") != text:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"not what make_formats.py makes: {', '.join(stale)}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
