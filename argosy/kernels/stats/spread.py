"""How returns are spread: all their moments, gains and losses in two passes; it never annualises and judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def spread(
    returns: Sequence[float],
) -> tuple[int, float, float, float, float, float, float, float, int, int, float, float]:
    """(count, mean, m2, m3, m4, below, gains, losses, ups, downs, best, worst) of simple returns.

    m2, m3, m4:    sums of the powers of what lies between a return and the mean; below: sum of squares of those under 0
    gains, losses: sums of the returns above and under 0, both positive; ups, downs: how many; best, worst: of one step
    Nothing: count 0 and nan for mean, best and worst. nan in any makes the sums nan.
    Source: Chan, Golub and LeVeque, Algorithms for Computing the Sample Variance (1983), the corrected two-pass algorithm.
    """
    count = len(returns)
    if count == 0:
        return 0, NAN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, NAN, NAN
    total = 0.0
    for k in range(count):
        total += returns[k]
    mean = total / count
    rest = 0.0
    m2 = 0.0
    m3 = 0.0
    m4 = 0.0
    below = 0.0
    gains = 0.0
    losses = 0.0
    ups = 0
    downs = 0
    best = returns[0]
    worst = returns[0]
    for k in range(count):
        change = returns[k]
        off = change - mean
        square = off * off
        rest += off
        m2 += square
        m3 += square * off
        m4 += square * square
        gain = change if change > 0.0 else 0.0  # signs follow no rule: choosing a value is quicker than a way
        loss = change if change < 0.0 else 0.0
        gains += gain
        losses -= loss
        below += loss * loss
        ups += 1 if change > 0.0 else 0
        downs += 1 if change < 0.0 else 0
        best = change if change > best else best
        worst = change if change < worst else worst
    m2 -= rest * (rest / count)
    return count, mean + rest / count, m2 if not m2 < 0.0 else 0.0, m3, m4, below, gains, losses, ups, downs, best, worst
