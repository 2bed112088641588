"""Every byte format of sealtrail: bytes in, values out; no broker, no bucket, no clock, no environment."""
