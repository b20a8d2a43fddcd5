"""Execution algorithms, one a file: how much of a target may be wanted by now; they send nothing and never see an order.

    twap       evenly over time
    vwap       as the market is expected to trade
    pov        a share of what the market trades
    iceberg    little at a time
    shortfall  the schedule of Almgren and Chriss
    slices     whole lots of a schedule
    course     where one target is on its way; pace moves it on, grain says what a tape can support
"""
