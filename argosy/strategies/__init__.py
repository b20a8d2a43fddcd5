"""Strategies that come with the house, one a file; each inherits nothing, never sends an order and knows no other room.

    buy_and_hold       BuyAndHold        bought once, kept: the yardstick of all others
    trend              Trend             with the trend of two averages, with a stop in average ranges
    mean_reversion     MeanReversion     against unusual prices, back to the mean
    breakout           Breakout          out of its range and into a trend, with a stop in average ranges
    multi_timeframe    MultiTimeframe    with the trend when minutes, hours and days agree
    volatility_target  VolatilityTarget  less of what moves much, more of what is calm
    rebalance          Rebalance         fixed weights, restored by the calendar or by drift
    risk_parity        RiskParity        the same share of the risk for each
    pairs              Pairs             the cheap of two that belong together, against the dear
    grid               Grid              buys falls and sells rises on fixed lines
    dca                Dca               a little at set times, more where it has fallen

The first six are step strategies: `step` sees one row and writes four numbers, with float arithmetic only, so that the
same function runs bar by bar in Python and compiled in a sweep. Their state is numbers; state fields that are prices are
named in `scaled`. `explain` says in words why the numbers changed, and is called only then.
"""
