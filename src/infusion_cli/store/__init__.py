"""The embedded book: tables, guards, generated statements, the one write path."""
