"""Use cases: load the part of the book that matters, decide, apply. Knows no framework."""
