"""The heart: events in, effects out, one thread, no clock, no socket; the same object in the lab and on a desk."""
