"""The command line: asks the rooms and shows what they say; it decides nothing and imports nothing heavy before it must."""
