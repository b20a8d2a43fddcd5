"""How long a message is under way, the same again for the same order; it asks no clock and no dice."""

from __future__ import annotations

from argosy.kernels.kernel import kernel

_LOW = 0xFFFFFFFF


@kernel
def mix(x: int) -> int:
    """Scramble 32 bits, one to one; x in [0, 2**32). Products stay below 2**63.

    Source: the two-round xorshift-multiply hash with constants 21f0aaad and 735a2d97, Wellons and Brunet,
    "Hash Prospector".
    """
    x ^= x >> 16
    x = x * 0x21F0AAAD & _LOW
    x ^= x >> 15
    x = x * 0x735A2D97 & _LOW
    return x ^ (x >> 15)


@kernel
def scatter(number: int, seed: int) -> int:
    """A number in [0, 2**32) that depends on every bit of `number` and `seed` (int64, any sign)."""
    x = mix(seed & _LOW)
    x = mix(x ^ ((seed >> 32) & _LOW))
    x = mix(x ^ (number & _LOW))
    return mix(x ^ ((number >> 32) & _LOW))


@kernel
def delay(number: int, seed: int, base_ns: int, jitter_ns: int) -> int:
    """Nanoseconds from sending to arrival: base_ns plus an even spread over 0 to jitter_ns, both included.

    number: of the order or message; seed: of the run, another one for another way (there, back)
    """
    if jitter_ns <= 0:
        return base_ns
    return base_ns + int(scatter(number, seed) * (1.0 / 4294967296.0) * (jitter_ns + 1.0))
