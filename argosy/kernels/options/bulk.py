"""Whole chains at once: prices, greeks and implied volatilities of arrays, compiled; an array of one is for all.

Each argument is a number or an array; they are broadcast as NumPy does. right: +1 a call, -1 a put. Units are those of
`argosy.kernels.options.black`. The loops are the scalar kernels, one option after another: equal to them to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argosy.kernels.kernel import kernel
from argosy.kernels.options.black import Greeks, bsm, bsm_greeks
from argosy.kernels.options.implied import REASONS, implied

Column = NDArray[np.float64]


class Vols(NamedTuple):
    """sigma: per year, nan where there is none; code: int8, its place in `REASONS` (0: found)."""

    sigma: Column
    code: NDArray[np.int8]

    def reasons(self) -> list[str]:
        """Why each has no volatility, "" where it has one."""
        return [REASONS[code] for code in self.code.ravel().tolist()]


@kernel
def fill_prices(
    right: Sequence[int], spot: Sequence[float], strike: Sequence[float], years: Sequence[float], rate: Sequence[float],
    dividend: Sequence[float], sigma: Sequence[float], strides: Sequence[int], out: Any,
) -> None:  # fmt: skip
    """Into out (N,) the values of N options; strides: 0 for an argument of one value for all, else 1."""
    a, b, c, d, e, f, g = strides[0], strides[1], strides[2], strides[3], strides[4], strides[5], strides[6]
    for i in range(len(out)):
        out[i] = bsm(right[i * a], spot[i * b], strike[i * c], years[i * d], rate[i * e], dividend[i * f], sigma[i * g])


@kernel
def fill_greeks(
    right: Sequence[int], spot: Sequence[float], strike: Sequence[float], years: Sequence[float], rate: Sequence[float],
    dividend: Sequence[float], sigma: Sequence[float], strides: Sequence[int], forward: bool, out: Any,
) -> None:  # fmt: skip
    """Into out (9, N) the values and greeks of N options; forward: rho is that of Black-76."""
    a, b, c, d, e, f, g = strides[0], strides[1], strides[2], strides[3], strides[4], strides[5], strides[6]
    price, delta, gamma, vega, theta, rho, vanna, volga, charm = (
        out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7], out[8]
    )  # fmt: skip
    for i in range(len(price)):
        t = years[i * d]
        one = bsm_greeks(right[i * a], spot[i * b], strike[i * c], t, rate[i * e], dividend[i * f], sigma[i * g])
        price[i] = one[0]
        delta[i] = one[1]
        gamma[i] = one[2]
        vega[i] = one[3]
        theta[i] = one[4]
        rho[i] = -t * one[0] if forward else one[5]
        vanna[i] = one[6]
        volga[i] = one[7]
        charm[i] = one[8]


@kernel
def fill_vols(
    right: Sequence[int], price: Sequence[float], spot: Sequence[float], strike: Sequence[float], years: Sequence[float],
    rate: Sequence[float], dividend: Sequence[float], strides: Sequence[int], out: Any, code: Any,
) -> None:  # fmt: skip
    """Into out (N,) the volatilities of N prices, into code (N,) why there is none."""
    a, b, c, d, e, f, g = strides[0], strides[1], strides[2], strides[3], strides[4], strides[5], strides[6]
    for i in range(len(out)):
        out[i], code[i] = implied(
            right[i * a], price[i * b], spot[i * c], strike[i * d], years[i * e], rate[i * f], dividend[i * g]
        )


def laid(right: ArrayLike, *columns: ArrayLike) -> tuple[list[Any], NDArray[np.int64], tuple[int, ...]]:
    """The arguments as flat arrays, what to count in each by option, and the shape of the answer; ValueError as NumPy's."""
    arrays: list[NDArray[Any]] = [np.asarray(right, dtype=np.int8)]
    arrays += [np.asarray(column, dtype=np.float64) for column in columns]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    flat = [
        np.ascontiguousarray(array if array.size == 1 else np.broadcast_to(array, shape)).reshape(-1) for array in arrays
    ]
    strides = np.array([int(array.size != 1) for array in arrays], dtype=np.int64)
    return flat, strides, shape


def prices(
    right: ArrayLike, spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, dividend: ArrayLike, sigma: ArrayLike
) -> Column:
    """Black-Scholes-Merton values, float64 of the arguments' common shape."""
    flat, strides, shape = laid(right, spot, strike, years, rate, dividend, sigma)
    out = np.empty(shape)
    fill_prices.jit(*flat, strides, out.reshape(-1))  # type: ignore[call-arg]
    return out


def greeks(
    right: ArrayLike, spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, dividend: ArrayLike, sigma: ArrayLike
) -> Greeks:
    """Black-Scholes-Merton values with all greeks, arrays of the arguments' common shape."""
    return _greeks(laid(right, spot, strike, years, rate, dividend, sigma), forward=False)


def greeks76(
    right: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, sigma: ArrayLike
) -> Greeks:
    """Black-76 values with all greeks, arrays of the arguments' common shape."""
    return _greeks(laid(right, forward, strike, years, rate, rate, sigma), forward=True)


def _greeks(laid_out: tuple[list[Any], NDArray[np.int64], tuple[int, ...]], forward: bool) -> Greeks:
    flat, strides, shape = laid_out
    out = np.empty((len(Greeks._fields), int(np.prod(shape, dtype=np.int64))))
    fill_greeks.jit(*flat, strides, forward, out)  # type: ignore[call-arg]
    return Greeks(*(row.reshape(shape) for row in out))  # type: ignore[arg-type]


def vols(
    right: ArrayLike, price: ArrayLike, spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike, dividend: ArrayLike
) -> Vols:
    """Implied volatilities of Black-Scholes-Merton prices, of the arguments' common shape, with the reasons of the missing."""
    flat, strides, shape = laid(right, price, spot, strike, years, rate, dividend)
    out = np.empty(shape)
    code = np.empty(shape, dtype=np.int8)
    fill_vols.jit(*flat, strides, out.reshape(-1), code.reshape(-1))  # type: ignore[call-arg]
    return Vols(out, code)


def vols76(
    right: ArrayLike, price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike
) -> Vols:
    """Implied volatilities of Black-76 prices."""
    return vols(right, price, forward, strike, years, rate, rate)
