"""Which of the entries that were read are meant, by what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sealtrail_auditor.query import Query
from sealtrail_schemas.view import view_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.recognise import Recogniser
    from sealtrail_schemas.view import ViewRow


class Choice:
    """A query without its sequences and times of chaining, which the reading of a trail has seen to."""

    def __init__(self, query: Query, recognisers: Sequence[Recogniser]) -> None:
        self._query = replace(query, span=None, chained=None)
        self._recognisers = recognisers
        self._takes_all = self._query == Query()

    def takes(self, leaf: Leaf, payload: Payload) -> bool:
        """Whether an entry fits. Its row is made only where the query looks at it."""
        return self._takes_all or self._fits(self.row(leaf, payload))

    def chosen_row(self, leaf: Leaf, payload: Payload) -> ViewRow | None:
        """The entry's row if it fits, else None."""
        row = self.row(leaf, payload)
        return row if self._takes_all or self._fits(row) else None

    def row(self, leaf: Leaf, payload: Payload) -> ViewRow:
        """What a view says of the entry."""
        return view_row(leaf, payload, self._recognisers)

    def _fits(self, row: ViewRow) -> bool:
        return self._query.fits(row._asdict()) and self._query.fits_value(row.value)
