"""The compiled tick lane: one step strategy over trades, quotes and books, with latency, queue and depth as the walk lane has them."""
