"""What a desk keeps on disk: its journal, the market rows it saw, snapshots, and the lease that makes it the only writer."""
