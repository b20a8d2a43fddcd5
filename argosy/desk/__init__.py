"""The present: an account that is traded now, by the same engine that walked the past; it asks nobody whether the money is real."""
