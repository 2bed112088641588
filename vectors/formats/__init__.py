"""Makers of the vectors of sealtrail's own formats."""
