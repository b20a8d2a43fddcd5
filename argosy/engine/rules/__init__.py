"""The rules of the risk gate, one file each: what may not be sent, and the numbers that say why."""
