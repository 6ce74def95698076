"""All verbs against a plain model of what is promised, and faults that this must notice."""
