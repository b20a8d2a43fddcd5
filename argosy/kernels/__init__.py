"""Stand-in: the kernels room replaces this."""
