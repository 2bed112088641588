"""What other programs do to a topic, through the C library inside confluent-kafka's package."""

from __future__ import annotations

import ctypes
import sysconfig
from pathlib import Path

(_LIBRARY,) = Path(sysconfig.get_path("platlib"), "confluent_kafka.libs").glob("librdkafka-*.so*")
_TOPIC, _PARTITION, _VALUE, _KEY, _HEADER, _END = 1, 3, 4, 5, 9, 0  # rd_kafka_vtype_t


def produce_with_header(address: str, topic: str, *, key: bytes, value: bytes, header: bytes) -> None:
    """Produce one record whose header has any bytes for a key, which confluent-kafka would not send."""
    library = ctypes.CDLL(str(_LIBRARY))
    library.rd_kafka_conf_new.restype = ctypes.c_void_p
    library.rd_kafka_new.restype = ctypes.c_void_p
    said = ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(library.rd_kafka_conf_new())
    assert library.rd_kafka_conf_set(conf, b"bootstrap.servers", address.encode(), said, 512) == 0
    client = ctypes.c_void_p(library.rd_kafka_new(0, conf, said, 512))
    assert client.value, said.value
    try:
        failed = library.rd_kafka_producev(
            client,
            *(ctypes.c_int(_TOPIC), ctypes.c_char_p(topic.encode())),
            *(ctypes.c_int(_PARTITION), ctypes.c_int32(0)),
            *(ctypes.c_int(_KEY), ctypes.c_char_p(key), ctypes.c_size_t(len(key))),
            *(ctypes.c_int(_VALUE), ctypes.c_char_p(value), ctypes.c_size_t(len(value))),
            *(ctypes.c_int(_HEADER), ctypes.c_char_p(header), ctypes.c_char_p(b"h"), ctypes.c_ssize_t(1)),
            ctypes.c_int(_END),
        )
        assert failed == 0
        assert library.rd_kafka_flush(client, 10_000) == 0
    finally:
        library.rd_kafka_destroy(client)
