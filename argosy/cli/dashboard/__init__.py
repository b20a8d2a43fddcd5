"""The desk on one page of the terminal, alive: what it holds, wants and risks, and the keys that stop it."""
