"""How often one may ask: budgets, fuses and delays, against hand calculation on a clock of the test's own."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.net.backoff import Backoff
from argosy.net.breaker import Breaker
from argosy.net.limits import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(clock: Clock, per_minute: int = 10) -> Budget:
    return Budget(clock, lambda: clock.now + 1_700_000_000.0, per_minute=per_minute)


def test_the_last_fifth_is_for_cancels() -> None:
    clock = Clock()
    one = budget(clock)
    assert [one.wait() for _ in range(9)] == [0.0] * 8 + [60.0]
    assert [one.wait(urgent=True) for _ in range(3)] == [0.0, 0.0, 60.0]
    clock.now += 60.0
    assert one.wait() == 60.0  # ten are in the air, and may be counted to this minute
    for _ in range(10):
        one.lost()
    clock.now += 60.0
    assert [one.wait() for _ in range(3)] == [0.0] * 3


def test_the_host_knows_better_what_is_left() -> None:
    clock = Clock()
    one = budget(clock)
    one.wait()
    one.wait()
    one.heard(
        200, {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "4", "x-ratelimit-reset": str(int(clock.now + 1_700_000_000.0) + 30)}
    )
    assert one.left == 3  # another is in the air
    assert one.wait() == 0.0
    assert one.wait() == pytest.approx(30.0)


def test_a_429_silences_all_but_the_reserve_until_the_reset() -> None:
    clock = Clock()
    one = budget(clock)
    one.wait()
    one.heard(429, {"x-ratelimit-reset": str(int(clock.now + 1_700_000_000.0) + 7)})
    assert one.wait() == pytest.approx(7.0)
    assert [one.wait(urgent=True) for _ in range(3)] == [0.0, 0.0, pytest.approx(7.0)]
    clock.now += 6.9
    assert one.wait() > 0.0
    clock.now += 0.2
    assert one.wait() == 0.0


@pytest.mark.parametrize("skew", [-2.0, 2.0, -3600.0])
def test_a_wrong_clock_of_ours_does_not_shorten_the_wait(skew: float) -> None:
    """The reset is measured on the host's own clock, by its Date."""
    clock = Clock()
    one = Budget(clock, lambda: 1_700_000_000.0 + skew, per_minute=10)
    one.wait()
    one.heard(429, {"x-ratelimit-reset": "1700000009", "date": "Tue, 14 Nov 2023 22:13:20 GMT"})  # 1_700_000_000
    assert one.wait() == pytest.approx(9.0)


@pytest.mark.parametrize("reset", ["", "soon", "99999999999999999999", "9999999999", "-5", "１２"])
def test_a_wild_header_neither_crashes_nor_silences_for_ever(reset: str) -> None:
    clock = Clock()
    one = budget(clock)
    one.wait()
    one.heard(
        429, {"x-ratelimit-reset": reset, "x-ratelimit-limit": "x", "x-ratelimit-remaining": "", "date": "nonsense", "retry-after": "z"}
    )
    assert 0.0 < one.wait() <= 120.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20), st.booleans()), max_size=80))
def test_between_a_429_and_its_reset_only_the_reserve_goes_out(steps: list[tuple[bool, float, bool]]) -> None:
    clock = Clock()
    one = budget(clock)
    blocked, urgent_out = 0.0, 0
    for urgent, pause, refused in steps:
        clock.now += pause
        before = clock.now < blocked
        if one.wait(urgent) == 0.0:
            if before:
                assert urgent
                urgent_out += 1
                assert urgent_out <= one.reserve
            if refused:
                if clock.now >= blocked:
                    urgent_out = 0
                    blocked = clock.now + 5.0
                one.heard(429, {"retry-after": "5"})
                blocked = max(blocked, clock.now + 5.0)
            else:
                one.heard(200, {})


def test_a_fuse_opens_tries_once_and_closes() -> None:
    fuse = Breaker(failures=3, window_s=10.0, open_s=5.0)
    for now in (0.0, 1.0):
        fuse.bad(now)
    assert fuse.allows(1.0) and fuse.closed
    fuse.bad(2.0)
    assert not fuse.allows(6.9) and fuse.allows(6.9, urgent=True)
    assert fuse.allows(7.0) and not fuse.allows(7.0)
    fuse.bad(7.1)
    assert not fuse.allows(12.0) and fuse.allows(12.2)
    fuse.good()
    assert fuse.closed and fuse.allows(12.3) and fuse.allows(12.3)


def test_slow_failures_do_not_open_it() -> None:
    fuse = Breaker(failures=3, window_s=10.0)
    for now in (0.0, 6.0, 12.0, 18.0):
        fuse.bad(now)
    assert fuse.closed


@pytest.mark.parametrize("chance", [lambda: 0.0, lambda: 0.999, random.Random(5).random])
@pytest.mark.parametrize("calm", [False, True])
def test_no_minute_has_more_than_twelve_attempts(chance: object, calm: bool) -> None:
    clock = Clock()
    one = Backoff(chance, clock)
    made = []
    for _ in range(300):
        clock.now += one.delay() + 0.003
        made.append(clock.now)
        if calm:
            one.calm()  # even where every connection looked good for a moment
    for k in range(len(made) - 12):
        assert made[k + 12] - made[k] >= 60.0


def test_delays_grow_to_the_cap_and_are_jittered() -> None:
    clock = Clock()
    one = Backoff(lambda: 1.0, clock, per_minute=1000)
    assert [one.delay() for _ in range(10)] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    half = Backoff(lambda: 0.0, clock, per_minute=1000)
    assert [half.delay() for _ in range(3)] == [0.0, 0.125, 0.25]
    assert half.delay(at_least_s=9.0) == 9.0


def test_a_reset_that_moves_away_while_it_is_silent_brings_no_new_reserve() -> None:
    clock = Clock()
    one = budget(clock)
    one.wait()
    out = 0
    for second in range(25):
        one.heard(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(clock.now + 1_700_000_000.0) + 30 + 2 * second)})
        clock.now += 1.0
        out += one.wait(urgent=True) == 0.0
    assert out == one.reserve == 2
