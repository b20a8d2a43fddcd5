"""The arithmetic of trading, once: fills, fees, ledger, sizing, indicators; the same in both lanes.

Nothing here reads a clock, a network or a random number, and nothing imports numba before
a compiled kernel is asked for.
"""
