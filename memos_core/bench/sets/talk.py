"""Small talk by grammar: what is said between the things that matter, seeded, without end."""

from __future__ import annotations

import random

NAMES = ("Nora Felix Ines Jonas Priya Marta Omar Lucia Theo Hanna Bruno Aisha Viktor Elena Samuel Greta Rafael Mina Oskar Dana").split()
PEOPLE = (
    "my sister",
    "a colleague",
    "my cousin",
    "our neighbour",
    "an old friend",
    "my uncle",
    "the kids next door",
    "my flatmate's brother",
)
FOOD = "pancakes|lentil soup|a huge salad|fried rice|banana bread|dumplings|tomato pasta|grilled corn|apple pie|pea stew".split("|")
PLACES = "the market|the lake|the museum|the library|the old harbour|the park|the cinema|the bakery|the hills".split("|")
DEEDS = (
    "repaired the shelf|planted basil|watched a documentary about volcanoes|sorted old photos|went for a long walk|"
    "tried a puzzle|painted the fence|read three chapters of a mystery|cleaned the attic|lost a board game|"
    "baked for the neighbours|fixed a dripping tap|wrote postcards"
).split("|")
MOODS = "great|a bit tired|surprisingly calm|restless|hopeful|busy|grumpy|cheerful|sleepy|inspired".split("|")
WEATHER = "rain|sunshine|fog|wind|snow|a thunderstorm|a heat wave|frost".split("|")
THINGS = "umbrella|lamp|backpack|kettle|notebook|raincoat|toaster|blanket|camera|bookshelf|chair|water bottle".split("|")

LINES = (
    "Yesterday we had {food} at {place}, everyone was happy.",
    "I {deed} and felt {mood} afterwards.",
    "{person} came by and we talked until midnight.",
    "There was {weather} all day, so I stayed in and {deed}.",
    "I can't find my {thing} anywhere, have you seen it?",
    "Do you think {food} would be nice for the weekend?",
    "Feeling {mood} today, maybe it's the {weather}.",
    "{person} {deed}, can you believe it?",
    "The queue at {place} was endless.",
    "I'm thinking about buying a new {thing}.",
    "We met {person} at {place} by accident.",
    "Tell me something funny, I'm {mood}.",
    "{person} made {food}, I had two helpings.",
    "The {weather} ruined our plans for {place}.",
    "My {thing} broke right after I {deed}.",
    "What a week! I {deed}, and then {person} called.",
)
OPENERS = ("", "", "", "Hey! ", "By the way, ", "So, ", "Oh, and ", "You know what? ", "Guess what: ")
CLOSERS = ("", "", "", " How about you?", " Anyway.", " What do you think?", " Just saying.", " Talk later!", " It was about time.")
REPLIES = (
    "That sounds lovely, tell me more!",
    "Oh no, I hope it gets better soon.",
    "Ha, I can picture that.",
    "Good to know, thanks for telling me.",
    "Interesting! How did that feel?",
    "I see. Anything I can do for you?",
    "Noted. Let me know how it goes.",
    "Sounds like a plan.",
)


def small_talk(draw: random.Random) -> str:
    """One line about nothing in particular."""
    line = draw.choice(LINES).format(
        food=draw.choice(FOOD), place=draw.choice(PLACES), deed=draw.choice(DEEDS), mood=draw.choice(MOODS),
        weather=draw.choice(WEATHER), thing=draw.choice(THINGS), person=draw.choice(PEOPLE),
    )  # fmt: skip
    return dress(line[0].upper() + line[1:], draw)


def dress(sentence: str, draw: random.Random) -> str:
    """A sentence as somebody would drop it into a chat."""
    opener = draw.choice(OPENERS)
    own = sentence.startswith(("I ", "I'", "Dr."))
    body = sentence[0].lower() + sentence[1:] if opener.endswith((", ", "and ")) and not own else sentence
    return f"{opener}{body}{draw.choice(CLOSERS)}"
