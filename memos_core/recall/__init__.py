"""Room `recall`: from a query to ranked, explained memories; a list of functions."""
