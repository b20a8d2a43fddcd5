"""What a desk keeps on disk."""
