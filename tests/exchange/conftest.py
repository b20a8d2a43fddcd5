"""alpaca-py imports a deprecated websocket module; it is imported here once, so that its warning stays its own."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import alpaca.trading.stream  # noqa: F401
