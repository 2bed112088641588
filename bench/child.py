"""One measurement in a process of its own: `python -m bench.child MODULE.FUNCTION JOB`."""

from __future__ import annotations

import json
import sys

from bench import floors, stages
from bench.job import Job


def main() -> None:
    """Run what the arguments say and answer in one line of JSON."""
    what, job = sys.argv[1:]
    module, function = what.split(".")
    result = getattr({"stages": stages, "floors": floors}[module], function)(Job(**json.loads(job)))
    sys.stdout.write(f"{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
