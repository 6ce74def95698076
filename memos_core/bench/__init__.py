"""Measure it: recall and speed through the public verbs, side by side with what a user would pick instead."""
