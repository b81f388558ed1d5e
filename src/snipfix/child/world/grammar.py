"""Sentences by rule: parallel German and English, reviews with a mood, news with a topic. Small vocabularies that a model can learn."""

from __future__ import annotations

import random
import re
from functools import cache

Pair = tuple[str, str]

# German, English, plural
_WHO = (
    ("Ein Mann", "A man", False),
    ("Eine Frau", "A woman", False),
    ("Ein Kind", "A child", False),
    ("Ein Hund", "A dog", False),
    ("Ein kleiner Junge", "A little boy", False),
    ("Ein junges Mädchen", "A young girl", False),
    ("Zwei Männer", "Two men", True),
    ("Drei Frauen", "Three women", True),
    ("Viele Leute", "Many people", True),
    ("Zwei Hunde", "Two dogs", True),
)
# German singular, German plural, English
_DOES = (
    ("läuft", "laufen", "running"),
    ("spielt", "spielen", "playing"),
    ("sitzt", "sitzen", "sitting"),
    ("steht", "stehen", "standing"),
    ("wartet", "warten", "waiting"),
    ("schläft", "schlafen", "sleeping"),
)
_WITH = (
    ("", ""),
    (" mit einem Ball", " with a ball"),
    (" mit einem roten Hut", " with a red hat"),
    (" mit einem Freund", " with a friend"),
)
_WHERE = (
    ("im Park", "in the park"),
    ("auf der Straße", "on the street"),
    ("am Strand", "at the beach"),
    ("vor einem Haus", "in front of a house"),
    ("in der Küche", "in the kitchen"),
    ("neben einem Baum", "next to a tree"),
    ("auf einer Bank", "on a bench"),
)
_MOODS = {
    "pos": ("great", "wonderful", "brilliant", "moving", "funny", "excellent", "loved", "best"),
    "neg": ("terrible", "boring", "awful", "dull", "weak", "poor", "hated", "worst"),
}
_FILM = ("movie", "film", "story", "acting", "plot", "script", "cast", "ending", "music", "director")
_REVIEWS = (
    "The {0} was {1} and the {2} was {3}.",
    "I thought this {0} was really {1}, with a {3} {2}.",
    "What a {1} {0}! The {2} is {3} from start to finish.",
    "A {1} {0}, and a {3} {2} too.",
)
_TOPICS = (
    ("president", "government", "election", "minister"),
    ("team", "match", "season", "coach"),
    ("market", "shares", "profit", "bank"),
    ("software", "computer", "network", "scientists"),
    ("school", "teacher", "students", "lesson"),
    ("doctor", "hospital", "patients", "health"),
    ("singer", "concert", "album", "guitar"),
    ("river", "mountain", "lake", "forest"),
    ("car", "engine", "road", "driver"),
    ("painting", "museum", "artist", "gallery"),
    ("village", "town", "population", "district"),
    ("bird", "animal", "species", "insect"),
    ("plant", "flower", "leaf", "garden"),
    ("book", "novel", "author", "chapter"),
)
_NEWS = ("The {0} and the {1} made news on Monday", "New {0} for the {1}, says the {2}", "After a long week the {2} met the {0} again")


def generator(seed: int) -> random.Random:
    """Random numbers of the World's own: the snippet's random state stays what it would be."""
    return random.Random(seed)  # noqa: S311


def pairs(count: int, seed: int) -> list[Pair]:
    """German sentences with their English translations."""
    rng, found = generator(seed), []
    for _ in range(count):
        german, english, plural = rng.choice(_WHO)
        one, many, doing = rng.choice(_DOES)
        (mit, with_), (wo, where) = rng.choice(_WITH), rng.choice(_WHERE)
        found.append((f"{german} {many if plural else one}{mit} {wo}.", f"{english} {'are' if plural else 'is'} {doing}{with_} {where}."))
    return found


def reviews(count: int, seed: int) -> list[Pair]:
    """Film reviews with their mood, `pos` or `neg`, in turn."""
    rng, found = generator(seed), []
    for index in range(count):
        mood = "pos" if index % 2 == 0 else "neg"
        (thing, other), (word, again) = rng.sample(_FILM, 2), rng.sample(_MOODS[mood], 2)
        found.append((rng.choice(_REVIEWS).format(thing, word, other, again), mood))
    return found


def news(count: int, classes: int, seed: int) -> list[tuple[int, str]]:
    """Lines with their topic, counted from 1."""
    rng, found = generator(seed), []
    for index in range(count):
        topic = index % classes
        words = rng.sample(_TOPICS[topic % len(_TOPICS)], 3)
        found.append((topic + 1, rng.choice(_NEWS).format(*words)))
    return found


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word that the sentences are made of, in lower case, and punctuation."""
    lines = [text for pair in pairs(400, 0) for text in pair]
    lines += [text for text, _ in reviews(400, 0)] + [text for _, text in news(400, len(_TOPICS), 0)]
    words = {word for line in lines for word in re.findall(r"\w+", line.lower())}
    return (*sorted(words), *".,!?'-:;\"()")
