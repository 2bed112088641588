"""Writing the files of vectors, and comparing them with what would be written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent


def write_or_check(files: Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]]) -> int:
    """Write each file, or only compare it if the script was called with `--check`; return the exit status.

    Args:
        files: by the file's name without its ending, what it is about and its vectors.
    """
    stale = []
    for name, (about, vectors) in files.items():
        if len(vectors) != len({vector["name"] for vector in vectors}):
            raise ValueError(f"{name}.json has two vectors of one name")
        path = FOLDER / f"{name}.json"
        text = json.dumps({"about": about, "vectors": vectors}, indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text, encoding="ascii")
        elif not path.exists() or path.read_text(encoding="ascii") != text:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"not what {Path(sys.argv[0]).name} makes: {', '.join(stale)}\n")
    return 1 if stale else 0
