"""The archiver: writes sealed, signed batches of a trail to a store, write-once."""
