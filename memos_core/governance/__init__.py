"""MemGovernance: who may, what is hidden, what was done."""
