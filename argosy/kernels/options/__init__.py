"""What options are worth, how that moves and which volatility a price implies; it knows no instrument and no account.

`black` values one European option, `tree` one that may be exercised early, `implied` finds the volatility, `bulk` does
it for whole chains; `normal` is the bell curve under them.
"""
