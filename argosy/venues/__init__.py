"""Places that trade, simulated or real; a venue reports only what it did and never decides what is wanted."""
