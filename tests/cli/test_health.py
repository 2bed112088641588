"""What is healthy: backlogs that move, and none."""

from sealtrail.health import Flow, StallWatch


def watch(*moments, patience_s=60):
    """Observe a single flow at times: pairs of seconds and (mark, whether there is a backlog)."""
    stalls = StallWatch(patience_s)
    for now_s, (mark, has_backlog) in moments:
        stalls.observe([Flow("what it reads", mark, has_backlog)], now_s=now_s)
    return stalls


def test_a_backlog_that_lies_still_is_told_of_after_the_patience():
    stalls = watch((0, (5, True)), (30, (5, True)), (60, (5, True)))
    assert stalls.stalled(now_s=60) is None
    assert stalls.stalled(now_s=61) == "what it reads has not moved for 61 s"


def test_progress_begins_it_anew():
    stalls = watch((0, (5, True)), (50, (6, True)), (100, (6, True)))
    assert stalls.stalled(now_s=110) is None
    assert stalls.stalled(now_s=111)


def test_without_a_backlog_it_may_lie_still_for_ever():
    stalls = watch((0, (5, False)), (3600, (5, False)))
    assert stalls.stalled(now_s=7200) is None


def test_the_time_without_a_backlog_does_not_count():
    stalls = watch((0, (5, False)), (3600, (5, True)))
    assert stalls.stalled(now_s=3660) is None
    assert stalls.stalled(now_s=3661)


def test_nobody_who_observes_is_a_stall_where_there_was_a_backlog():
    """The log is asked before anything is noted: one that never answers must not look like health."""
    assert watch((0, (5, True))).stalled(now_s=61)


def test_what_has_left_is_forgotten():
    stalls = watch((0, (5, True)))
    stalls.observe([], now_s=30)
    assert stalls.stalled(now_s=100) is None
