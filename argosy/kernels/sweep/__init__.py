"""The sweep lane's kernels: one step strategy, one instrument, many combinations, in one compiled loop; they never approximate.

`link.sweeper(step, places)` gives the loop of a strategy; `loop` says what it is fed, `account` what comes out.
"""

from __future__ import annotations
