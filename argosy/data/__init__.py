"""The library of the past: catalogued prices, sessions and corporate actions; it never decides, trades or reads a clock."""
