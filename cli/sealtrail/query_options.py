"""The options that say what to look for, by what entries say; those of sealtrail.entry_filters included."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail.entry_filters import filter_options
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_schemas.errors import MappingError
from sealtrail_schemas.json_path import split_equation

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail.entry_filters import EntryFilters
    from sealtrail_schemas.json_path import JsonPath


def query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --actor, --action, … --where and the options of `filter_options`; the command gets one `query`."""

    @functools.wraps(command)
    def with_query(
        *args: Any,
        filters: EntryFilters,
        actor: tuple[str, ...],
        action: tuple[str, ...],
        resource: tuple[str, ...],
        outcome: tuple[str, ...],
        event_type: tuple[str, ...],
        text: tuple[str, ...],
        where: tuple[tuple[JsonPath, str], ...],
        **others: Any,
    ) -> Any:
        asked = {
            "actor": actor,
            "action": action,
            "resource": resource,
            "outcome": outcome,
            "event_type": event_type,
        }
        paths: dict[JsonPath, tuple[str, ...]] = {}
        for path, value in where:
            paths[path] = (*paths.get(path, ()), value)
        query = Query(
            patterns={name: tuple(map(TextPattern, texts)) for name, texts in asked.items() if texts},
            time=filters.time,
            chained=filters.chained,
            span=filters.span,
            text=text,
            where=paths,
        )
        return command(*args, query=query, **others)

    decorated = filter_options(with_query)
    for decorator in reversed(_DECORATORS):
        decorated = decorator(decorated)
    return decorated


class EquationType(click.ParamType["tuple[JsonPath, str]"]):
    """An option's value of the form PATH=VALUE."""

    name = "equation"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[JsonPath, str]:
        """Read the value of an option."""
        if isinstance(value, tuple):
            return value
        try:
            return split_equation(str(value))
        except MappingError as error:
            self.fail(str(error), param, ctx)


def _pattern(name: str, help: str) -> Callable[..., Any]:  # noqa: A002 - click's word
    return click.option(name, metavar="TEXT", multiple=True, help=help)


_DECORATORS: Final = (
    _pattern("--actor", r"Who did it. In TEXT, here and below, * stands for any characters, and \* for a *."),
    _pattern("--action", "What was done."),
    _pattern("--resource", "What it was done to."),
    _pattern("--outcome", "How it ended: success, failure, denied or unknown."),
    click.option(
        "--type",
        "event_type",
        metavar="TEXT",
        multiple=True,
        help="The kind of event, in its producer's words.",
    ),
    click.option(
        "--text",
        metavar="TEXT",
        multiple=True,
        help="Text in the value, upper and lower case being the same.",
    ),
    click.option(
        "--where",
        metavar="PATH=VALUE",
        multiple=True,
        type=EquationType(),
        help="What stands at a path of a JSON value, as requestParameters.items[0].id=i-05c3. Values of one "
        "path are alternatives; paths must all hold.",
    ),
)
