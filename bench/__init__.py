"""`make bench`: how fast each stage is on real servers, beside the least that the same work takes there."""
