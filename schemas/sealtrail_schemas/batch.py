"""Batches: runs of entries in Avro object container files (docs/format.md, "Batch")."""

from sealtrail_schemas.batch_header import BLOCK_BYTES, ENTRY_SCHEMA, Codec
from sealtrail_schemas.batch_reader import MAX_ENTRY_BYTES, BatchReader
from sealtrail_schemas.batch_writer import BatchWriter

__all__ = ["BLOCK_BYTES", "ENTRY_SCHEMA", "MAX_ENTRY_BYTES", "BatchReader", "BatchWriter", "Codec"]
