"""Alpaca: its trading and market data over REST and streams; it reports only what Alpaca said and never guesses what became of an order."""
