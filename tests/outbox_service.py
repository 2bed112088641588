"""A service that records events through an outbox and is killed, again and again; and what is left of it.

Run as a program it records until it is killed, or as many events as it is told to, and prints the number of
each once `record` has returned: from then on it is acknowledged.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from sealtrail_schemas.audit_event import decode_event
from sealtrail_schemas.producer_stamp import read_stamp

KEYS = 7


def serve(address, topic, outbox, first, count):
    from sealtrail_producers import AuditProducer

    audit = AuditProducer.connect(address, topic=topic, source="service", outbox=outbox)
    for number in range(first, first + count):
        audit.record(actor="u", action="act", id=str(number), key=f"key {number % KEYS}")
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    audit.flush(timeout_s=120)
    audit.close()


class Service:
    """Starts the program with ever new events, kills it, and keeps account of what was acknowledged."""

    def __init__(self, address, topic, outbox):
        self.arguments = [address, topic, str(outbox)]
        self.acknowledged = set()
        self.next = 0

    def run(self, *, count, kill_after=None):
        """Record `count` events, or be killed when so many more are acknowledged."""
        command = [sys.executable, __file__, *self.arguments, str(self.next), str(count)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        goal = None if kill_after is None else len(self.acknowledged) + kill_after
        reader = threading.Thread(target=self._read, args=(process, goal))
        reader.start()
        errors = []
        drain = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        drain.start()
        process.wait()
        reader.join()
        drain.join()
        process.stdout.close()
        process.stderr.close()
        assert process.returncode in (0, -9), errors
        self.next = max(self.acknowledged, default=-1) + 1_000_000  # what was under way is nobody's

    def _read(self, process, goal):
        for line in process.stdout:
            if line.endswith("\n"):
                self.acknowledged.add(int(line))
            if len(self.acknowledged) == goal:
                process.kill()

    def check(self, log, topic):
        """Each acknowledged event exactly once, in order within its partition; returns how many there are."""
        found = []
        for partition in range(log.topic(topic).partitions):
            records = read_all(log, topic, partition)
            numbers = [int(decode_event(record.value).id) for record in records]
            assert numbers == sorted(numbers), "out of order"
            stamps = [read_stamp(record.headers)[0].number for record in records]
            assert stamps == list(range(len(stamps)))
            found += numbers
        assert len(found) == len(set(found)), "repeated"
        assert self.acknowledged <= set(found), "lost"
        return len(found)


def read_all(log, topic, partition):
    records, offset = [], log.bounds(topic, partition).start
    deadline = time.monotonic() + 60
    while offset < log.written_end(topic, partition):
        assert time.monotonic() < deadline
        if offset < log.bounds(topic, partition).end:
            chunk = log.read(topic, partition, offset, max_records=10_000, max_bytes=1 << 24)
            records += chunk.records
            offset = chunk.next_offset
    return records


if __name__ == "__main__":
    serve(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]))
