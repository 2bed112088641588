"""Two short scenarios on a real broker and a real store, so that the harness is known to work."""

from __future__ import annotations

import pytest

from faults.harness import Run
from faults.processes import Fault
from faults.scenarios_kills import kill_at
from faults.sites import open_site

pytestmark = [
    pytest.mark.containers,
    pytest.mark.embedded,
    pytest.mark.claim("C1", "C2", "C3", "C5"),
]


@pytest.fixture(scope="module")
def site():
    with open_site("one") as site:
        yield site


@pytest.fixture
def run(site, tmp_path):
    site.mend()
    with Run(site, tmp_path, 1, quick=True) as run:
        yield run


def assert_good(result):
    assert result["violations"] == []
    assert result["archived"] == result["acknowledged"] == result["published"] > 0
    assert result["verdict"] == "intact"


def test_services_killed_at_some_of_their_points(run):
    run.begin(producers=1)
    archiver, chainer = run.archive(), run.chain()
    run.await_flow()
    chainer.kill()
    archiver.kill()
    kill_at(run, "chainer.kafka-commit.after", run.chain)
    run.chain()
    kill_at(run, "archiver.put-seal.after", run.archive)
    run.archive()
    run.mark("the last kill -9")
    run.settle()
    result = run.judge()
    assert_good(result)
    assert [recovery["s"] is not None for recovery in result["recoveries"]][-2:] == [True, True]
    assert result["faults"][:2] == [
        "kill -9 at chainer.kafka-commit.after",
        "kill -9 at archiver.put-seal.after",
    ]


def test_a_broker_killed_while_the_chainer_is_held_in_a_transaction(run):
    run.begin(producers=1)
    run.archive()
    run.chain().kill()
    chainer = run.chain(fault=Fault("chainer.kafka-flush.after", 2, "stop"))
    run.wait_until(lambda: chainer.is_suspended, "the chainer to be held")
    run.site.brokers.kill()
    chainer.resume()
    run.site.brokers.start()
    run.site.brokers.await_all()
    run.mark("the broker killed")
    run.settle()
    assert_good(run.judge())
