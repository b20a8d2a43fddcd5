"""Kits that prove a guest: subclass one, give it what you made, and its tests run; nothing here trades."""
