"""How fast the house is, said only where the result was checked; it changes nothing that it measures.

    python -m bench                  every figure, as a table, into bench/latest.json
    python -m bench --only walk      one group, or one figure by its name
    python -m bench --quick          smaller runs, for a look; writes nothing

A rate is bars (or orders, records) per second of this process's own processor time, the median of several runs, so that
neighbours on the machine count little. It is still a machine's figure: only paired ratios (ours and a reference, timed in turn,
median over the pairs) and counts of calls are gated.
"""
