"""The list of crash points is that of the calls that the parts make: none is missing, each is passed."""

from collections import Counter

from crash_points import POINTS, WatchedLog, WatchedStore
from deployment import Deployment, values


def test_the_points_that_a_short_run_passes_are_those_of_the_list():
    passed = Counter()
    deployment = Deployment()
    log, store = deployment.log, deployment.store

    def as_seen_by(part):
        deployment.log = WatchedLog(log, part, lambda label: passed.update([label]))
        deployment.store = WatchedStore(store, part, lambda label: passed.update([label]))

    as_seen_by("chainer")
    chainer = deployment.chainer()
    as_seen_by("archiver")
    archiver = deployment.archiver(trim_after_ms=0)
    deployment.log, deployment.store = log, store
    for start in (0, 5):
        deployment.publish(*values(5, start))
        deployment.chain(chainer)
        deployment.archive(archiver)
        chainer.close()  # both recover, now from a seal
        archiver.close()
    deployment.archive(archiver)
    assert set(passed) == set(POINTS)
    for label in POINTS:
        if label.endswith(".before"):
            assert passed[label] == passed[label.removesuffix("before") + "after"], label


def test_what_is_not_watched_goes_to_the_adapter():
    deployment = Deployment()
    store = WatchedStore(deployment.store, "archiver", [].append)
    assert store.url == deployment.store.url
