"""The wire: requests, streams, limits and secrets, for every venue alike; it knows no order and never decides what is sent."""
