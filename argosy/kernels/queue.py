"""How much stands before an order at its price: what trades and cancellations take off the queue; it never fills anything.

Sizes are float64 in units of the thing. A queue that is not known yet is nan. Both models are deterministic: what a tape does not
say (who cancelled) is decided against the order (FIFO) or in proportion (PROPORTIONAL), never by chance.
"""

from __future__ import annotations

from argosy.kernels.kernel import kernel

NONE, FIFO, PROPORTIONAL = 0, 1, 2
"""No queue: the limit rule decides; those before it leave by trades alone, as far as that can be; cancellations come evenly."""
MODELS = ("none", "fifo", "proportional")
"""Names of the models, at their numbers."""


@kernel
def reached(ahead: float, size: float) -> tuple[float, float]:
    """A trade of `size` at the order's price: (what is still ahead, what of the trade came to the order)."""
    if not size > 0.0:
        return ahead, 0.0
    if size <= ahead:
        return ahead - size, 0.0
    return 0.0, size - ahead


@kernel
def thinned(model: int, ahead: float, own: float, before: float, shown: float, dealt: float) -> float:
    """The level changed from `before` to `shown`: what is ahead now.

    own:   of `ahead`, what other orders of the same account make up, which the level does not show
    dealt: what has traded there since the level was last heard of, which `before` still counts

    FIFO: nobody ahead left unless the level shows no more than that. PROPORTIONAL: what left without a trade left evenly.
    """
    left = ahead
    if model == PROPORTIONAL:
        stood = before - dealt
        if stood > 0.0 and shown < stood:
            left -= ahead * ((stood - shown) / stood)
    most = own + (shown if shown > 0.0 else 0.0)
    if left > most:
        left = most
    return left if left > 0.0 else 0.0
