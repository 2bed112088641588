"""Which kinds of faults and which crash points a history gets."""

from __future__ import annotations

import random


def deal(
    kinds: tuple[str, ...], kind_hands: int, points: tuple[str, ...], point_hands: int, number: int
) -> tuple[list[str], list[str]]:
    """The hand of a history: some kinds and some points.

    Both decks are dealt out into hands, and each hand of the one meets each of the other, so that every kind
    meets every point once in a round. Then they are shuffled anew.
    """
    turn, place = divmod(number, kind_hands * point_hands)
    hands = []
    for deck, count, which in (
        (kinds, kind_hands, place % kind_hands),
        (points, point_hands, place // kind_hands),
    ):
        order = list(deck)
        random.Random(f"round {turn} of {deck[0]}").shuffle(order)
        hands.append(order[which::count])
    return hands[0], hands[1]
