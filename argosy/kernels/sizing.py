"""How many lots: from a weight, money, a risk or a volatility; toward zero, never more than was asked."""

from __future__ import annotations

from argosy.kernels.kernel import kernel

_MOST = 1 << 62


@kernel
def whole(lots: float) -> int:
    """Lots toward zero; 0 for nan, at most 2**62 either way."""
    if lots != lots:
        return 0
    if lots >= _MOST:
        return _MOST
    return int(lots) if lots > -_MOST else -_MOST


@kernel
def notional_lots(notional: float, px: float, k: float) -> int:
    """Signed lots worth at most `notional` currency units at `px`, 0 without one; k is `Instrument.scale`."""
    each = px * k
    return whole(notional / each) if each > 0.0 else 0


@kernel
def weight_lots(weight: float, equity: int, px: float, k: float) -> int:
    """Signed lots of a weight of the equity (currency units); negative weight: short. No equity, no lots."""
    return notional_lots(weight * equity, px, k) if equity > 0 else 0


@kernel
def atr_lots(equity: int, risk_frac: float, atr: float, multiple: float, k: float) -> int:
    """Lots that lose `risk_frac` of the equity when the price moves `multiple` average true ranges.

    atr in price. Source: the position unit of the Turtle rules (Dennis and Eckhardt 1983; Faith, "Way of the
    Turtle", 2007).
    """
    return notional_lots(risk_frac * equity, atr * multiple, k) if equity > 0 else 0


@kernel
def vol_weight(target: float, realized: float, most: float) -> float:
    """Weight that brings a volatility of `realized` to `target`, at most `most`; 0 when unknown.

    Both per year, or both per day.
    Source: Moreira and Muir, "Volatility-Managed Portfolios", Journal of Finance 72 (2017); Moskowitz, Ooi
    and Pedersen, "Time Series Momentum", Journal of Financial Economics 104 (2012), which scale by volatility
    rather than variance.
    """
    if not (target > 0.0 and realized >= 0.0):
        return 0.0
    if realized == 0.0 or target >= most * realized:
        return most
    return target / realized


@kernel
def vol_lots(equity: int, target: float, realized: float, most: float, px: float, k: float) -> int:
    """Lots of the volatility-targeted weight."""
    return weight_lots(vol_weight(target, realized, most), equity, px, k)


# -- a fixed size, a fixed risk -----------------------------------------------------------------------------------------


@kernel
def fixed_lots(units: float, lot: float) -> int:
    """Signed lots of so many units of the thing, toward zero; lot: units in one lot. A hair under a whole lot is that lot."""
    if not lot > 0.0:
        return 0
    exact = units / lot
    near = 1e-9 * abs(exact) if abs(exact) < 1e6 else 1e-3
    return whole(exact + near) if exact >= 0.0 else whole(exact - near)


@kernel
def risk_lots(equity: int, risk_frac: float, entry: float, stop: float, k: float) -> int:
    """Lots that lose `risk_frac` of the equity between entry and stop, long where the stop is below and short where above.

    Source: the fixed fractional bet of Vince, Portfolio Management Formulas (1990). No stop, no lots.
    """
    if not (equity > 0 and risk_frac > 0.0):
        return 0
    if stop < entry:
        return notional_lots(risk_frac * equity, entry - stop, k)
    if stop > entry:
        return -notional_lots(risk_frac * equity, stop - entry, k)
    return 0


# -- never deeper than -------------------------------------------------------------------------------------------------


@kernel
def drawdown_weight(weight: float, equity: float, peak: float, most_frac: float) -> float:
    """The weight that a wish becomes for one who may never lose `most_frac` of the peak: its part of what is above the floor.

    weight * (equity - (1 - most_frac) * peak) / equity; 0 at the floor and below. equity, peak: in one currency.
    With the weight of Kelly it grows the quickest of all that keep the floor, in continuous time and without jumps.
    Source: Grossman and Zhou, Optimal Investment Strategies for Controlling Drawdowns, Mathematical Finance 3 (1993).
    """
    if not (equity > 0.0 and 0.0 < most_frac <= 1.0):
        return 0.0
    cushion = equity - (1.0 - most_frac) * max(peak, equity)
    return weight * cushion / equity if cushion > 0.0 else 0.0
