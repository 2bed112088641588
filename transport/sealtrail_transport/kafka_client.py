"""Making librdkafka's clients, and hearing what they say outside of their answers.

librdkafka connects in threads of its own: a refused password fails no call, it only lets calls time out. Why
comes through callbacks, which run when the client is polled. `ClientEvents` keeps the reason.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from confluent_kafka import KafkaError, KafkaException

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sealtrail_transport.kafka_settings import Property

_P = ParamSpec("_P")
_T = TypeVar("_T")

logger: Final = logging.getLogger("sealtrail_transport.kafka")
logger.addHandler(logging.NullHandler())  # otherwise warnings reach the terminal of who set up no logging

_DEFINITE: Final = frozenset({"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED"})
_TELLING: Final = _DEFINITE | {"_SSL", "_RESOLVE", "_TRANSPORT"}
_LEAST_TELLING: Final = "_ALL_BROKERS_DOWN"


class ClientEvents:
    """What one client reported: its last trouble with the connection, and its log lines.

    Attributes:
        where: the bootstrap servers, for messages.
        cause: why calls may be timing out; None after a success.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.cause: KafkaError | None = None

    def properties(self, properties: Mapping[str, Property]) -> dict[str, object]:
        """`properties` with the callbacks of a client added."""
        return {**properties, "error_cb": self._on_error, "logger": _ClientLog()}

    def raise_definite(self) -> None:
        """Raise KafkaException if the client can't succeed as it is set up, however long it tries."""
        cause = self.cause
        if cause is not None and is_definite(cause):
            raise KafkaException(cause)

    def _on_error(self, error: KafkaError) -> None:
        # A refused password is followed by the loss of the connection, which explains nothing.
        is_better = self.cause is None or not is_definite(self.cause)
        if (error.name() in _TELLING and is_better) or (
            error.name() == _LEAST_TELLING and self.cause is None
        ):
            self.cause = error


def is_definite(error: KafkaError) -> bool:
    """Whether trying again with the same settings is in vain."""
    if error.name() == "_SSL":
        return "certificate" in error.str()  # other TLS failures come while a broker starts, too
    return error.name() in _DEFINITE


class _ClientLog:
    """Python's logging for librdkafka's lines; what matters of them is raised as well."""

    def log(self, level: int, message: str, *args: object) -> None:
        """Called by confluent-kafka with librdkafka's facility as the first argument."""
        # One set of properties serves all clients: each names those that are not for its kind.
        quiet = bool(args) and args[0] == "CONFWARN"
        logger.log(logging.DEBUG if quiet else min(level, logging.WARNING), message, *args)


def call(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call a method of a client that runs callbacks, and raise every failure of it as a KafkaException.

    Once a client has failed for good, confluent-kafka runs further callbacks with its own exception pending.
    Out of that comes a SystemError, or a KafkaError raised as it is, though it is no exception: neither
    `except Exception` nor `except BaseException` catches it.
    """
    try:
        return function(*args, **kwargs)
    except SystemError as error:
        raise KafkaException(KafkaError(KafkaError._FAIL, str(error))) from error  # noqa: SLF001 - the name of a code
    except Exception:
        raise
    except:  # noqa: E722 - see above
        raised: object = sys.exc_info()[1]
        if not isinstance(raised, KafkaError):
            raise
    raise KafkaException(raised)  # not from inside the handler: Python would chain to what is no exception
