"""The nouns of trading that every room speaks; this package imports nothing of ours and does nothing by itself."""
