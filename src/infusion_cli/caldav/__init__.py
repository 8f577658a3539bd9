"""Shared calendars on a server."""
