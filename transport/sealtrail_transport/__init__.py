"""The log port and the store port, and their adapters."""
