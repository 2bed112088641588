"""Writes the views of batches as they are sealed, beside the archiver and never in its way.

What is sealed is only noted; a thread reads the batch back, has a child process make the view
(sealtrail.view_worker), and puts it. A view that can't be written is told of and left out: `sealtrail index`
writes it at any later time.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from sealtrail.exits import one_line
from sealtrail.wording import plural
from sealtrail_schemas.errors import ViewError
from sealtrail_schemas.layout import seal_key, view_key
from sealtrail_schemas.view import header_of, identity_of
from sealtrail_transport.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_archiver.settings import SealedBatch
    from sealtrail_schemas.recognise_json import JsonMapping
    from sealtrail_schemas.seal import OpenedSeal
    from sealtrail_transport.store import Store

MOST_WAITING: Final = 10_000
"""How many sealed batches may wait for their views; what is sealed beyond that is left out, and told of."""

_PIECE_BYTES: Final = 1 << 20
_LOOK_EVERY_S: Final = 0.2
_LAST_VIEW_S: Final = 10.0


class _Order(NamedTuple):
    store: Store
    folder: str
    opened: OpenedSeal


class ViewWriter:
    """Makes views while the context lasts. Safe to call from several threads.

    At the end it makes what still waits, for as long as that is wanted and the store answers, and tells what
    it has left out. After an error it makes nothing more: whoever waits for the process has to hear of that.

    Args:
        mappings: of the settings, beside sealtrail's own recognisers.
        tell: gets a trail's origin, or None, and what went wrong in one line; called from several threads. A
            trail's failures in a row are told once, unless they differ.
        finishes: asked again and again at the end: whether to go on with what waits.
    """

    def __init__(
        self,
        mappings: Sequence[JsonMapping],
        *,
        tell: Callable[[str | None, str], None],
        finishes: Callable[[], bool],
    ) -> None:
        self._mappings = tuple(mappings)
        self._tell = tell
        self._finishes = finishes
        self._orders: queue.Queue[_Order] = queue.Queue(MOST_WAITING)
        self._ending = threading.Event()
        self._stopping = threading.Event()
        self._left_out = 0
        self._told: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="views", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End."""
        self._ending.set()
        while kind is None and self._thread.is_alive() and self._finishes():
            self._thread.join(_LOOK_EVERY_S)
        self._stopping.set()
        self._thread.join(_LAST_VIEW_S)
        left_out = self._left_out + self._orders.qsize() + self._thread.is_alive()
        if left_out:
            batches = plural(left_out, "sealed batch", "sealed batches")
            self._tell(None, f"{batches} without a view: `sealtrail index` makes them")

    def sealed(self, store: Store, batch: SealedBatch) -> None:
        """Note that a batch was sealed; its view follows. Never waits and never fails."""
        opened = batch.placed.opened
        folder = batch.placed.key.removesuffix(seal_key(opened.checkpoint.size))
        try:
            self._orders.put_nowait(_Order(store, folder, opened))
        except queue.Full:
            self._fail(opened.checkpoint.origin, "too many sealed batches wait for theirs")

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - no failure here may reach the archiver
            self._tell(None, f"no views are written from now on: {one_line(error)}")

    def _work(self) -> None:
        with ExitStack() as held:
            folder = Path(held.enter_context(TemporaryDirectory(prefix="sealtrail-views-")))
            worker = held.enter_context(_Worker())
            while not self._stopping.is_set():
                try:
                    order = self._orders.get(timeout=_LOOK_EVERY_S)
                except queue.Empty:
                    if self._ending.is_set():
                        return
                    continue
                origin = order.opened.checkpoint.origin
                try:
                    self._make(order, worker, folder)
                except Exception as error:  # noqa: BLE001 - no failure here may reach the archiver
                    self._fail(origin, one_line(error))
                    if self._ending.is_set() and isinstance(error, StoreUnavailableError):
                        return
                else:
                    self._told.pop(origin, None)

    def _make(self, order: _Order, worker: _Worker, folder: Path) -> None:
        store, opened = order.store, order.opened
        sealed = opened.seal.batch
        batch, view = folder / "batch", folder / "view"
        digest = sha256()
        with store.open(order.folder + sealed.key, sealed.version_id) as stream, batch.open("wb") as file:
            while piece := stream.read(_PIECE_BYTES):
                digest.update(piece)
                file.write(piece)
        if digest.digest() != sealed.sha256:
            raise ViewError(f"{order.folder}{sealed.key} is not what was sealed")
        worker.make(
            {
                "batch": str(batch),
                "view": str(view),
                "header": header_of(opened, identity_of(self._mappings)).to_metadata(),
                "mappings": [(mapping.name, mapping.source) for mapping in self._mappings],
            }
        )
        store.put_view(view_key(order.folder, opened.seal.first.sequence), view.read_bytes())

    def _fail(self, origin: str, reason: str) -> None:
        self._left_out += 1
        if self._told.get(origin) != reason:
            self._told[origin] = reason
            self._tell(origin, f"no view was written: {reason}")


class _Worker:
    """The child process; it starts with the first order, and again after it has died."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def make(self, order: dict[str, Any]) -> None:
        """Have a view made. Raises ViewError with what the child says, or that it has died."""
        child = self._child or self._begin()
        assert child.stdin is not None  # noqa: S101 - for the type checker: both are pipes
        assert child.stdout is not None  # noqa: S101
        try:
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
            answer = child.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._end()
            raise ViewError(f"the process that makes views has ended with {child.returncode}")
        if error := json.loads(answer).get("error"):
            raise ViewError(error)

    def _begin(self) -> subprocess.Popen[str]:
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "sealtrail.view_worker"],  # -P: import nothing from where we stand
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the archiver to answer
        )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.communicate()
