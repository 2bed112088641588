"""Makers of the vectors of note, checkpoint, policy and Merkle tree. They import nothing of sealtrail."""
