"""The process that makes views beside a running archiver: `python -m sealtrail.view_worker`.

Reading JSON and writing Parquet takes more of a processor than chaining and sealing, and threads of one
Python process share one. So views are made in a process of their own, at low priority, which knows no store:
it is told the names of two local files and answers when the second one is written. Lines of JSON:

    {"batch": "/tmp/…/batch", "view": "/tmp/…/view", "header": {…}, "mappings": [["okta", "{…}"]]}
    {"rows": 10000}    or    {"error": "…"}

It ends with its standard input, so it never outlives the archiver.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from sealtrail_archiver.views import write_view
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.errors import ViewError
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.recognise_json import parse_mapping
from sealtrail_schemas.view import ViewHeader, view_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.view import ViewRow

NICENESS: Final = 10


def main(orders: TextIO, answers: TextIO) -> None:
    """Work through the orders until there are no more."""
    for line in orders:
        try:
            answer: dict[str, Any] = {"rows": _carry_out(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the next view may go well
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _carry_out(order: dict[str, Any]) -> int:
    header = ViewHeader.parse(order["header"])
    mappings = [parse_mapping(name, json.loads(source)) for name, source in order["mappings"]]
    with Path(order["batch"]).open("rb") as batch, Path(order["view"]).open("wb") as view:
        rows = write_view(view, header, _rows(BatchReader(batch), (*mappings, *DEFAULT)))
    if rows != header.rows:
        raise ViewError(f"the batch has {rows} entries instead of {header.rows}")
    return rows


def _rows(batch: BatchReader, recognisers: Sequence[Recogniser]) -> Iterator[ViewRow]:
    for leaf, payload in batch:
        yield view_row(Leaf.parse(leaf), decode_payload(payload), recognisers)


if __name__ == "__main__":
    os.nice(NICENESS)
    main(sys.stdin, sys.stdout)
