"""Tables, tags and sections of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.pages.markup import Markup, element, join
from sealtrail_auditor.reporting.page_text import when

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Section(NamedTuple):
    """A part of the page under a heading, and the identifier that links to it have."""

    title: str
    identifier: str
    markup: Markup


def section(title: str, *children: str) -> Section:
    """A part of the page under a heading."""
    identifier = "-".join(re.findall("[a-z]+", title.lower()))
    return Section(title, identifier, element("section", element("h2", title, id=identifier), *children))


def contents(sections: Iterable[Section]) -> Markup:
    """Links to the sections."""
    links = (element("a", each.title, href=f"#{each.identifier}") for each in sections)
    return element("nav", *links, class_="contents", aria_label="Contents")


def name(text: str | None) -> Markup:
    """A name out of an event or archive, kept from turning the direction of what stands around it."""
    if text is None:
        return element("span", "not stated", class_="none")
    return element("bdi", text, class_="name")


def moment(time: str | None) -> Markup:
    """A time in a cell, which is not broken over two lines."""
    return element("span", when(time), class_="moment")


def tag(text: str, colour: str = "", title: str | None = None) -> Markup:
    """A small label."""
    return element("span", text, class_=f"tag {colour}".strip(), title=title)


def table(
    heads: Sequence[str] | None,
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    more: str = "",
    class_: str = "",
    heads_first: bool = False,
) -> Markup:
    """A table that scrolls in itself where it is too wide.

    Args:
        heads: of the columns; None: there are none.
        rows: the cells, as text or markup.
        numbers: columns that hold numbers.
        more: what stands under the table.
        class_: of the table, beside `data`.
        heads_first: whether the first cell of each row is its heading.
    """
    right = frozenset(numbers)
    head = Markup()
    if heads is not None:
        cells = (
            element("th", text, scope="col", class_="number" if index in right else None)
            for index, text in enumerate(heads)
        )
        head = element("thead", element("tr", *cells))
    body = element(
        "tbody",
        *(
            element(
                "tr",
                *(
                    element("th", cell, scope="row")
                    if heads_first and not index
                    else element("td", cell, class_="number" if index in right else None)
                    for index, cell in enumerate(row)
                ),
            )
            for row in rows
        ),
    )
    whole = element("table", head, body, class_=f"data {class_}".strip())
    below = element("p", more, class_="aside") if more else Markup()
    return join(element("div", whole, class_="scroll"), below)
