"""The command line: Typer declarations, rendering, one error boundary."""
