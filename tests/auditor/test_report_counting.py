"""Counting for reports: by name, by time, and between entries."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealtrail_auditor.reading import TimeRange
from sealtrail_auditor.reporting.over_time import MAX_BARS, WIDTHS_MS, OverTime
from sealtrail_auditor.reporting.page_text import count, duration, when
from sealtrail_auditor.reporting.pauses import MAX_STOPS, SILENCE_MS, Pauses
from sealtrail_auditor.reporting.tally import Tally
from sealtrail_auditor.reporting.wording import MAX_NAME_CHARS, shown_name
from sealtrail_schemas.leaf import Kind, Leaf

LEAF = Leaf(
    kind=Kind.EVENT,
    sequence=0,
    previous_hash=bytes(32),
    trail_id=bytes(32),
    payload_hash=bytes(32),
    source_timestamp_ms=0,
    source_timestamp_type=0,
    chained_at_ms=0,
    source_offset=0,
    next_source_offset=1,
)
LATEST_MS = 1_800_000_000_000
NOON_MS = 1_763_900_000_000


class TestTally:
    def test_counts_are_exact_while_names_are_few(self):
        tally = Tally(10)
        for number in range(30):
            tally.add(f"n{number % 10}", number, failed=number % 3 == 0)
        top = tally.top(3)
        assert [name for name, _ in top.rows] == ["n0", "n1", "n2"]
        assert (top.more_names, top.more_events, tally.is_exact) == (7, 21, True)
        assert (top.rows[0][1].first_ms, top.rows[0][1].last_ms, top.rows[0][1].failed) == (0, 20, 1)

    def test_made_up_names_do_not_crowd_out_one_that_counts(self):
        tally = Tally(100)
        for number in range(20_000):
            tally.add(f"made-up-{number}")
            if number >= 10_000 and number % 10 == 0:  # comes late, among many
                tally.add("mallory")
        [(name, found)] = tally.top(1).rows
        assert name == "mallory"
        assert 1_000 - tally.may_miss <= found.events <= 1_000
        assert not tally.is_exact

    @given(st.lists(st.integers(0, 30), max_size=300), st.integers(2, 12))
    def test_no_count_falls_short_by_more_than_it_says(self, names, most):
        tally = Tally(most)
        for name in names:
            tally.add(name)
        truth = Counter(names)
        top = tally.top(most)
        for name, found in top.rows:
            assert found.events <= truth[name] <= found.events + tally.may_miss
        listed = {name for name, _ in top.rows}
        assert all(truth[name] <= tally.may_miss for name in truth if name not in listed)
        assert sum(found.events for _, found in top.rows) + top.more_events == len(names)


class TestOverTime:
    def test_every_event_is_in_one_bar(self):
        over_time = OverTime(LATEST_MS)
        generator = random.Random(7)
        for _ in range(10_000):
            over_time.add(NOON_MS + generator.randrange(40 * 86_400_000), failed=generator.random() < 0.1)
        bars = over_time.bars()
        assert sum(bar.events for bar in bars.bars) + bars.earlier + bars.later == 10_000
        assert (bars.to_ms - bars.from_ms) // bars.width_ms <= MAX_BARS + 2
        assert all(bars.from_ms <= bar.from_ms < bars.to_ms for bar in bars.bars)

    def test_memory_stays_bounded_over_a_century_of_seconds(self):
        over_time = OverTime(LATEST_MS)
        for number in range(20_000):
            over_time.add(700_000_000_000 + number * 50_000_000, failed=False)
        assert len(over_time._counts) <= 4_096

    def test_one_wrong_clock_does_not_flatten_the_picture(self):
        over_time = OverTime(LATEST_MS)
        over_time.add(800_000_000_000, failed=False)
        for number in range(1_000):
            over_time.add(NOON_MS + number * 1_000, failed=False)
        bars = over_time.bars()
        assert bars.earlier == 1
        assert bars.to_ms - bars.from_ms < 3_600_000

    def test_a_period_is_the_frame_of_its_picture(self):
        over_time = OverTime(LATEST_MS)
        over_time.add(NOON_MS, failed=True)
        bars = over_time.bars(NOON_MS - 86_400_000, NOON_MS + 86_400_000)
        assert bars.from_ms <= NOON_MS - 86_400_000
        assert bars.to_ms >= NOON_MS + 86_400_000
        assert bars.bars[0].failed == 1

    def test_nothing_has_no_picture(self):
        assert OverTime(LATEST_MS).bars() is None

    def test_each_width_is_a_multiple_of_the_one_before(self):
        assert all(wide % narrow == 0 for narrow, wide in pairwise(WIDTHS_MS))


class TestPauses:
    def pauses(self, *times_ms, period=(None, None), gaps=()):
        found = Pauses(TimeRange(*period))
        for sequence, time_ms in enumerate(times_ms):
            if sequence in gaps:
                found.gap()
            found.add(LEAF._replace(sequence=sequence, chained_at_ms=time_ms))
        return found

    def test_the_longest_silence_is_between_two_entries(self):
        longest = self.pauses(0, 10, 500, 600).longest_silence
        assert (longest.from_ms, longest.to_ms, longest.after, longest.before) == (10, 500, 1, 2)

    @pytest.mark.parametrize(
        ("period", "length_ms"),
        [((500, None), 490), ((501, None), 100), ((None, 10), 10), ((None, 11), 490), ((601, None), None)],
    )
    def test_only_pauses_that_reach_into_the_period_count(self, period, length_ms):
        longest = self.pauses(0, 10, 500, 600, period=period).longest_silence
        assert (longest and longest.length_ms) == length_ms

    def test_nothing_is_said_of_a_time_whose_entries_are_missing(self):
        longest = self.pauses(0, 10, 5_000_000, 5_000_001, gaps=(2,)).longest_silence
        assert longest.length_ms == 10

    def test_a_stop_is_longer_than_the_limit(self):
        assert self.pauses(0, SILENCE_MS).stops == 0
        assert self.pauses(0, SILENCE_MS + 1).stops == 1

    def test_the_longest_stops_are_kept_in_order(self):
        times = [0]
        for number in range(50):
            times.append(times[-1] + SILENCE_MS + 1 + (number * 7919) % 50)
        found = self.pauses(*times)
        lengths = [stop.length_ms - SILENCE_MS - 1 for stop in found.longest_stops]
        assert found.stops == 50
        assert sorted(lengths) == list(range(50 - MAX_STOPS, 50))
        assert [stop.from_ms for stop in found.longest_stops] == sorted(
            s.from_ms for s in found.longest_stops
        )


class TestWording:
    def test_names_that_print_stay_as_they_are(self):
        assert shown_name("zoë@example.com") == "zoë@example.com"

    @given(st.text(alphabet=st.characters(), max_size=400))
    def test_any_name_becomes_one_line_that_prints(self, name):
        shown = shown_name(name)
        assert shown.isprintable()
        assert len(shown) <= MAX_NAME_CHARS

    @pytest.mark.parametrize(
        ("length_ms", "text"),
        [
            ("0", "less than 1 s"),
            ("59000", "59 s"),
            ("4320000", "1 h 12 min"),
            ("86400000", "1 d"),
            ("90061000", "1 d 1 h"),
        ],
    )
    def test_durations(self, length_ms, text):
        assert duration(length_ms) == text

    def test_times_and_counts(self):
        assert when("2026-11-23T09:30:00.208Z") == "2026-11-23 09:30:00"
        assert (count("1", "event"), count("2000", "event")) == ("1 event", "2,000 events")
