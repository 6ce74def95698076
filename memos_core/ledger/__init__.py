"""The book of record: everything that is remembered, by whom, when and why."""
