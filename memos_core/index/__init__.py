"""Room `index`."""
