"""Latency: the same order always waits as long; over many orders the jitter is even."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import latency

ANY = st.integers(-(2**63), 2**63 - 1)


def oracle(x: int) -> int:
    """The hash written with Python's unbounded integers and a modulus instead of masks."""
    x = x ^ (x // 2**16)
    x = (x * 569_420_461) % 2**32
    x = x ^ (x // 2**15)
    x = (x * 1_935_289_751) % 2**32
    return x ^ (x // 2**15)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32 - 1))
def test_mix_is_the_published_hash_in_both_lanes(x: int) -> None:
    assert latency.mix.py(x) == oracle(x) == latency.mix.jit(x)


def test_mix_loses_nothing() -> None:
    """It is one to one: 2**16 neighbours and 2**16 far apart have as many images."""
    numbers = {*range(1 << 16), *range(0, 1 << 32, 1 << 16)}
    assert len({latency.mix.py(x) for x in numbers}) == len(numbers)


@pytest.mark.parametrize("lane", ["py", "jit"])
def test_a_constant_without_jitter(lane: str) -> None:
    delay = getattr(latency.delay, lane)
    assert [delay(number, 7, 250_000, 0) for number in (0, 1, 2**62)] == [250_000] * 3
    assert delay(1, 7, 250_000, -5) == 250_000


@settings(deadline=None, max_examples=150)
@given(ANY, ANY, st.integers(0, 10**12), st.integers(0, 10**12))
def test_it_stays_in_its_bounds_and_is_the_same_again(number: int, seed: int, base: int, jitter: int) -> None:
    first = latency.delay.py(number, seed, base, jitter)
    assert base <= first <= base + jitter
    assert (
        first == latency.delay.py(number, seed, base, jitter) == latency.delay.jit(number, seed, base, jitter)
    )


def test_jitter_is_even_and_reaches_both_ends() -> None:
    """20 000 orders over 10 cells: 2000 each; five standard deviations are 5 * sqrt(20 000 * 0.1 * 0.9) = 212."""
    cells = [0] * 10
    for number in range(20_000):
        cells[latency.delay.py(number, 42, 0, 9)] += 1
    assert all(abs(count - 2_000) < 212 for count in cells)


def test_neighbours_and_seeds_do_not_move_together() -> None:
    """Over 10 000 pairs the differences of two even jitters average a third of the span (its standard error is 0.24 %)."""
    span = 10**9
    for pairs in (
        [(latency.delay.py(n, 1, 0, span), latency.delay.py(n + 1, 1, 0, span)) for n in range(10_000)],
        [(latency.delay.py(n, 1, 0, span), latency.delay.py(n, 2, 0, span)) for n in range(10_000)],
    ):
        mean = sum(abs(a - b) for a, b in pairs) / len(pairs) / span
        assert abs(mean - 1.0 / 3.0) < 0.012


@settings(deadline=None, max_examples=100)
@given(ANY, st.integers(0, 62))
def test_every_bit_of_the_order_number_counts(number: int, bit: int) -> None:
    assert latency.scatter.py(number, 3) != latency.scatter.py(number ^ (1 << bit), 3)
    assert latency.scatter.py(3, number) != latency.scatter.py(3, number ^ (1 << bit))
