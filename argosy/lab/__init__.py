"""The lab looks at the past: backtests and what they are worth; it never touches a live venue."""
