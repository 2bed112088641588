import io

import pytest
from rich.console import Console

from sealtrail.console import Output
from sealtrail.progress import Meter, format_rate


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def output_to(stream, *, terminal):
    output = Output()
    output.err = Console(file=stream, force_terminal=terminal, width=100)
    return output


@pytest.mark.parametrize(
    ("done", "entries", "seconds", "rate"),
    [
        (5_000_000, 12_345, 2.0, "6,172 entries/s  2.5 MB/s"),
        (5_000_000, None, 2.0, "2.5 MB/s"),
        (0, 0, 0.0, ""),
    ],
)
def test_rate(done, entries, seconds, rate):
    assert format_rate(done, entries, seconds) == rate


def test_where_nobody_watches_there_is_a_line_now_and_then():
    stream, clock = io.StringIO(), Clock()
    with Meter(output_to(stream, terminal=False), "verifying", clock=clock) as meter:
        for clock.now in (1.0, 9.0, 10.0, 11.0, 20.0):
            meter.show(int(clock.now) * 1_000_000, 40_000_000, int(clock.now) * 100)
    assert stream.getvalue().splitlines() == [
        "verifying: 25 %  100 entries/s  1.0 MB/s",
        "verifying: 50 %  100 entries/s  1.0 MB/s",
    ]


def test_on_a_terminal_there_is_a_bar_with_rate_and_time_left():
    stream, clock = io.StringIO(), Clock()
    with Meter(output_to(stream, terminal=True), "verifying", clock=clock) as meter:
        clock.now = 2.0
        meter.show(4_000_000, 8_000_000, 1_000)
    shown = stream.getvalue()
    assert "50%" in shown
    assert "500 entries/s  2.0 MB/s" in shown
    assert "left" in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_shows_nothing(terminal):
    stream, clock = io.StringIO(), Clock()
    output = output_to(stream, terminal=terminal)
    output.quiet = True
    with Meter(output, "verifying", clock=clock) as meter:
        clock.now = 60.0
        meter.show(1, 2, 3)
    assert stream.getvalue() == ""


def test_a_total_that_was_too_small_grows():
    stream, clock = io.StringIO(), Clock()
    with Meter(output_to(stream, terminal=False), "copying", clock=clock) as meter:
        clock.now = 10.0
        meter.show(20, 10)
    assert stream.getvalue().startswith("copying: 100 %")
