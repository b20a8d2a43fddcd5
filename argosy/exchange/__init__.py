"""The simulated exchange as a server: the wire of Alpaca over the law of venues/sim, on loopback; it never reaches the internet."""
