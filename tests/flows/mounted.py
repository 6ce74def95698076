"""What the tests of mounted cubes share."""

from __future__ import annotations

from typing import Any

TEAM = (
    "We release on the first Monday of the month.",
    "The release needs two reviewers.",
    "Lisbon is where the team meets in spring.",
    "The coffee machine on the second floor is broken.",
)
OWN = ("Carol releases her own songs on Friday.", "Carol moved to Lisbon.", "The reviewers liked the songs.")
Team = tuple[str, dict[str, str]]
QUESTIONS = ("When do we release?", "Who reviews?", "What about Lisbon?", "songs", "Where is the coffee machine?")


def texts(found: Any) -> list[str]:
    """The texts of hits, memories or revisions."""
    return [getattr(one, "memory", one).text for one in found]
