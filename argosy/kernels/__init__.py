"""The arithmetic of trading, once: fills, fees, ledger, sizing and indicators as pure kernels, the same in both lanes.

Nothing here reads a clock, a network or a random number, and nothing here imports numba before a compiled kernel is asked for.
"""
