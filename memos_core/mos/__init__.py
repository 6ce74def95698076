"""The desk: the verbs."""
