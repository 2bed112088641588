"""The key changes of a trail as a store holds them, and the keys to which they lead (docs/format.md)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sealtrail_schemas.control import MAX_CONTROL_BYTES, open_key_change
from sealtrail_schemas.errors import ControlError, FormatError
from sealtrail_schemas.layout import KEYS, parse_key_change_key, parse_trail_prefix
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.store import ObjectVersion, Store


@dataclass(frozen=True, slots=True)
class PlacedChange:
    """A key change that both of its keys signed, and the object version that holds it."""

    key: str
    version_id: str
    control: Control


def key_changes(store: Store, folder: str) -> Iterator[PlacedChange]:
    """The key changes in a folder, in the order of their sizes: the oldest valid version of each name.

    Names and versions that hold none are passed over. Nobody vouches for the keys yet.
    """
    for key, lines in groupby(store.versions(folder + KEYS), key=lambda line: line.key):
        for line in reversed(list(lines)):  # they come newest first
            control = _open(store, folder, line)
            if control is not None:
                yield PlacedChange(key, line.version_id, control)
                break


def read_trail_keys(store: Store, folder: str, trusted: Verifier) -> TrailKeys:
    """The keys of the trail in a folder, by one of them that is trusted.

    Raises:
        ControlError: the key changes that lead from and to it contradict each other.
    """
    controls = [placed.control for placed in key_changes(store, folder)]
    return TrailKeys.follow(trusted, [control for control in controls if control.origin == trusted.name])


def _open(store: Store, folder: str, line: ObjectVersion) -> Control | None:
    if line.is_delete_marker or line.size > MAX_CONTROL_BYTES:
        return None
    try:
        size = parse_key_change_key(line.key.removeprefix(folder))
        with store.open(line.key, line.version_id) as stream:
            control = open_key_change(stream.read())
        _check_place(control, folder, size)
    except (FormatError, ObjectMissingError):
        return None
    return control


def _check_place(control: Control, folder: str, size: int) -> None:
    if control.sequence + 1 != size:
        raise ControlError(f"the key change named for size {size} is at entry {control.sequence}")
    if not control.trail_id.hex().startswith(parse_trail_prefix(folder).id_start):
        raise ControlError(f"the key change in {folder} is of trail {control.trail_id.hex()}")
