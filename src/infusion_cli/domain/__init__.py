"""Pure scheduling: data in, data out; no input or output, no clock, no framework."""
