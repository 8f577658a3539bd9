"""Files in and out: iCalendar, CSV, JSON, TOML."""
