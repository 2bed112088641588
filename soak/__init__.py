"""`make soak`: the services on real servers for minutes to hours, under faults, measured each second."""
