"""Drawings that are not digits, made by rule: letters, scribbles, pairs, pictures.

A network that has only seen digits is sure of one whatever it is shown. To know what is not a digit
it must have seen some of it; and to know how well it does, it must be measured on other kinds than
those it has seen. So there are two sets: `TRAINING_KINDS`, from which `nn.train_rejection` learns,
and `MEASURING_KINDS`, which nothing learns from.

A shape is written as the digits of `nn.handwriting.digits` are: a line of control points, moved at
random, drawn with the same brush and framed in the same way. Randomness comes from a
`numpy.random.Generator`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nn.handwriting import framing as images
from nn.handwriting.digits import STYLES, Jitter, Style, write_strokes
from nn.support.types import Array

Generator = np.random.Generator
Kind = Callable[[int, Generator], Array]

# How letters are written. Those that many hands write just like a digit are left out: I, O, o, S,
# s, Z, q, g, b, and l without its loop, z without its bar.
LETTERS = {
    "A": (
        "0,100 50,0 / 50,0 100,100 / 20,62 80,62",
        "0,100 46,0 > 100,100 / 16,60 86,58",
        "4,100 10,40 50,0 90,38 96,100 / 6,55 94,55",
        "50,8 24,0 4,40 10,90 50,100 84,60 90,4 > 90,80 104,100",
        "20,100 50,0 > 76,100 > 22,60 > 100,54",
    ),
    "B": (
        "10,0 10,50 10,100 / 10,0 70,4 80,24 60,46 10,48 / 10,48 80,54 94,76 70,98 10,100",
        "12,100 12,0 > 70,2 84,22 62,44 30,48 > 82,56 92,80 60,100 12,98",
        "20,100 20,0 / 6,10 60,0 80,22 34,46 > 90,60 84,96 0,98",
        "14,0 10,100 / 14,4 70,0 84,26 20,50 > 92,58 80,96 8,100",
    ),
    "C": ("92,18 60,0 16,16 2,52 18,88 62,100 96,82",),
    "D": (
        "10,0 10,50 10,100 / 10,0 70,8 98,48 74,92 10,100",
        "14,100 12,0 > 66,6 96,46 70,92 6,100",
    ),
    "E": (
        "8,0 8,50 8,100 / 8,0 90,0 / 8,48 76,48 / 8,100 92,100",
        "90,0 8,0 > 8,100 > 92,100 / 8,48 74,48",
        "88,12 50,0 14,14 24,40 56,46 > 14,56 6,84 44,100 92,88",
        "96,4 30,0 10,20 30,46 70,48 > 20,56 4,84 36,100 98,94",
        "94,2 14,0 > 8,50 > 70,48 > 8,52 > 4,100 > 96,98",
    ),
    "F": (
        "10,0 10,50 10,100 / 10,0 92,0 / 10,46 76,46",
        "92,0 10,0 > 10,100 / 10,48 70,48",
        "0,10 40,0 96,4 / 46,4 44,60 36,100 / 14,48 80,44",
        "14,0 10,100 / 4,0 98,4 / 12,44 84,50",
    ),
    "G": (
        "90,16 56,0 14,18 4,56 22,92 64,100 92,80 94,56 > 56,56",
        "90,14 50,0 8,30 8,72 44,100 84,84 90,58 / 54,58 104,56",
    ),
    "H": (
        "10,0 10,50 10,100 / 90,0 90,50 90,100 / 10,50 90,50",
        "12,0 8,100 / 10,54 > 90,46 / 94,0 88,100",
        "10,0 20,8 14,100 > 14,54 > 88,44 > 92,0 > 84,90 100,100",
    ),
    "J": (
        "30,2 104,0 / 72,0 72,60 62,92 30,100 4,80",
        "70,0 72,60 58,96 24,98 4,72",
    ),
    "K": (
        "10,0 10,50 10,100 / 90,0 12,54 / 30,44 94,100",
        "10,0 10,50 10,100 / 88,2 14,52 > 92,100",
        "12,0 8,100 / 96,6 50,40 16,50 60,60 100,104",
    ),
    "L": (
        "12,0 10,50 10,100 > 92,98",
        "30,0 20,60 6,98 > 40,92 96,98",
        "40,40 60,6 40,0 30,50 16,96 4,88 30,84 98,100",
    ),
    "M": (
        "4,100 8,0 > 50,62 > 92,0 > 96,100",
        "6,0 4,50 4,100 / 6,0 48,60 / 48,60 94,0 / 94,0 96,100",
        "2,100 16,8 26,6 48,70 > 72,4 84,6 98,100",
        "0,100 20,0 > 44,80 > 80,0 > 96,100",
        "4,100 4,4 > 50,50 > 96,4 > 96,100",
    ),
    "N": (
        "8,100 8,0 > 92,100 > 92,0",
        "8,0 8,50 8,100 / 8,0 92,100 / 92,100 92,0",
        "4,100 18,4 28,8 74,92 > 96,2",
        "0,100 12,0 > 84,100 > 104,-4",
    ),
    "P": (
        "12,0 12,50 12,100 / 12,2 80,4 90,28 66,52 12,54",
        "14,100 12,0 > 74,2 88,28 62,52 14,52",
    ),
    "Q": (
        "50,0 14,16 2,52 22,90 56,98 90,76 94,40 78,10 50,0 / 60,66 100,108",
        "54,2 12,20 6,66 40,96 82,84 94,40 60,2 / 50,70 104,100",
    ),
    "R": (
        "12,0 12,50 12,100 / 12,2 78,4 88,26 60,48 12,50 / 40,50 92,100",
        "12,100 12,0 > 74,2 86,26 56,48 18,50 > 92,100",
        "20,100 24,0 / 2,12 60,-4 86,20 60,46 20,50 > 60,54 80,96 104,98",
    ),
    "T": (
        "0,2 100,0 / 50,2 50,50 50,100",
        "2,8 50,0 104,4 / 54,2 46,60 40,100",
        "50,0 48,100 / -4,4 104,0",
        "0,14 4,0 > 96,0 > 100,14 / 50,0 50,100 / 34,100 66,100",
    ),
    "U": (
        "8,0 8,60 30,98 70,98 92,60 92,0",
        "6,0 10,70 40,100 84,70 90,0 > 90,60 100,100",
    ),
    "V": (
        "2,0 50,100 > 98,0",
        "4,6 16,4 46,100 > 84,14 104,0",
    ),
    "W": (
        "0,0 24,100 > 50,24 > 76,100 > 100,0",
        "2,0 8,76 26,100 44,80 50,30 > 56,80 74,100 92,78 98,0",
        "-4,0 20,100 > 50,4 > 78,100 > 104,0",
        "0,4 20,96 40,96 50,40 60,96 80,96 100,4",
    ),
    "X": (
        "4,0 96,100 / 94,0 6,100",
        "0,10 18,0 78,100 98,92 / 96,2 4,98",
        "14,0 46,50 14,100 / 86,0 54,50 86,100",
    ),
    "Y": (
        "2,0 50,50 / 98,0 50,50 / 50,50 50,100",
        "4,0 52,52 / 100,0 20,104",
    ),
    "a": (
        "86,20 50,4 12,30 8,70 36,98 74,78 88,22 > 88,70 100,98",
        "20,14 60,2 84,24 86,98 / 84,46 34,46 10,74 36,100 84,80",
        "76,30 40,20 8,56 30,98 70,70 80,26 > 78,84 104,96",
        "14,30 50,8 80,24 80,100 / 80,54 30,54 10,80 40,100 80,84",
    ),
    "c": ("88,24 52,4 12,30 8,72 42,100 90,84",),
    "d": (
        "80,56 44,38 10,62 16,92 48,100 80,74 / 84,0 84,50 84,100",
        "82,56 40,40 8,66 20,96 56,98 82,66 > 86,0 > 86,90 98,100",
        "70,50 30,48 6,76 30,100 66,90 84,0 > 84,100",
        "90,0 86,100 / 84,60 30,44 6,74 40,104 84,84",
    ),
    "e": (
        "8,52 92,48 > 80,10 44,2 10,30 10,74 44,100 92,84",
        "4,64 60,50 84,22 56,2 20,22 14,70 46,100 98,74",
        "0,60 50,50 60,20 30,6 16,50 36,96 96,60",
        "6,50 90,50 > 86,14 40,2 6,40 24,96 90,94",
    ),
    "f": (
        "88,10 62,0 44,22 42,60 40,100 / 8,42 84,40",
        "10,60 60,40 80,8 56,2 42,40 40,100 / 14,44 88,44",
        "70,8 50,0 40,30 40,120 20,130 / 14,50 76,46",
    ),
    "h": (
        "12,0 12,50 12,100 / 12,64 48,40 82,54 86,100",
        "14,0 10,100 > 14,62 54,40 82,60 84,100",
        "0,60 40,30 44,2 24,4 16,50 12,100 > 20,60 60,48 72,70 76,98 100,92",
        "20,0 14,100 / 14,70 40,40 70,50 74,100",
    ),
    "i": (
        "50,34 50,60 50,100 / 48,2 54,6",
        "30,40 50,36 > 50,92 72,98 / 48,4 52,8",
    ),
    "j": ("62,30 62,80 40,104 10,92 / 60,0 64,4",),
    "k": (
        "12,0 12,50 12,100 / 82,36 14,70 / 36,60 90,100",
        "14,0 10,100 > 14,64 60,36 70,52 22,68 > 84,100",
        "10,60 40,20 36,0 16,20 14,100 > 20,64 70,44 70,64 30,68 > 70,98 100,90",
    ),
    "l": ("6,74 60,34 64,2 42,4 36,70 60,98 98,80",),
    "m": (
        "4,10 6,50 6,100 / 6,40 28,6 46,30 48,100 / 48,40 72,6 92,30 94,100",
        "2,12 10,20 10,98 > 20,30 40,8 50,98 > 58,30 80,8 88,90 100,96",
        "0,30 6,96 > 12,40 30,20 44,40 46,96 > 54,40 72,20 88,40 88,96",
    ),
    "n": (
        "8,6 10,50 10,100 / 10,40 48,4 84,26 88,100",
        "2,20 14,10 14,98 > 30,26 64,6 82,40 82,92 100,96",
        "0,10 6,96 > 20,30 60,10 80,40 80,96",
    ),
    "p": (
        "12,4 12,50 12,104 / 12,24 50,4 88,26 74,58 38,66 12,52",
        "10,8 14,104 > 16,30 54,6 86,26 70,62 14,56",
        "10,0 10,110 / 10,20 60,0 92,24 60,60 10,50",
    ),
    "r": (
        "16,4 18,50 18,100 / 18,44 44,8 88,14",
        "4,30 30,6 40,22 > 70,20 62,60 > 66,92 96,96",
        "12,10 16,100 > 22,40 56,4 92,20",
        "10,10 10,98 / 10,40 40,10 80,16",
        "0,70 30,20 36,6 44,20 80,14 80,20 66,90 98,90",
    ),
    "t": (
        "44,0 42,50 46,90 76,98 / 6,32 88,30",
        "50,0 48,50 48,100 / 4,30 96,30",
        "20,70 50,4 > 44,80 64,100 94,80 / 10,36 92,34",
        "40,0 40,96 80,96 / 0,36 80,30",
    ),
    "u": (
        "8,4 8,64 34,98 72,84 88,40 / 90,4 90,60 92,100",
        "4,10 12,70 40,96 80,60 84,8 > 86,80 104,96",
        "8,4 10,90 70,96 84,8",
        "0,30 10,8 14,80 50,96 80,20 > 80,90 104,90",
    ),
    "v": (
        "4,4 48,98 > 94,2",
        "2,20 14,6 44,96 > 84,10 104,20",
        "0,4 30,60 50,98 70,50 90,2",
    ),
    "w": (
        "2,4 24,98 > 50,36 > 76,98 > 98,4",
        "2,6 8,70 28,98 48,66 50,10 > 54,70 74,98 94,60 96,6",
        "0,10 10,96 44,90 50,20 > 56,96 90,90 98,10",
    ),
    "x": (
        "6,6 94,98 / 92,4 8,98",
        "2,20 20,4 50,50 80,98 100,84 / 96,6 4,96",
        "0,0 100,100 / 100,0 0,100",
    ),
    "y": (
        "6,0 46,52 / 94,0 20,104",
        "6,4 12,44 44,56 82,34 86,2 > 86,70 60,104 14,92",
        "0,0 10,50 80,40 90,0 > 80,110 20,120 -10,90",
    ),
    "z": ("4,4 94,4 > 6,96 > 96,96 / 22,50 80,50",),
}

# Pictures, signs and the letters of other scripts: only to measure by.
SIGNS = (
    "2,38 50,30 98,40 / 30,0 20,100 / 76,0 66,100 / 0,70 96,66",  # hash
    "50,0 50,100 / 0,50 100,50",  # plus
    "0,30 100,30 / 0,70 100,70",  # equals
    "50,0 50,100 / 4,24 96,76 / 96,24 4,76",  # asterisk
    "0,38 100,38 > 20,100 > 50,0 > 80,100 > 0,38",  # star in one line
    "50,28 26,0 0,24 12,60 50,100 88,60 100,24 74,0 50,28",  # heart
    "0,50 100,50 / 66,20 100,50 > 66,80",  # arrow
    "50,0 50,100 / 20,70 50,100 > 80,70",  # arrow down
    "70,70 74,30 34,26 22,60 50,76 70,40 > 76,72 100,50 84,8 40,-4 2,36 16,90 60,104 90,92",  # at
    "94,100 30,30 34,4 60,2 62,24 14,62 12,92 48,100 92,58",  # ampersand
    "10,60 40,100 > 100,0 / 0,0 0,4",  # tick and dot
    "0,0 100,100 / 24,4 4,14 16,32 30,20 24,4 / 80,70 66,84 84,98 96,82 80,70",  # percent
    "92,14 50,2 12,22 40,46 80,66 70,94 10,88 / 50,-14 50,114",  # dollar
    "96,14 60,0 24,30 20,70 56,100 94,88 / 0,40 76,40 / 0,60 70,60",  # euro
    "50,50 18,20 0,50 18,80 50,50 82,20 100,50 82,80 50,50 / 50,0 50,100",  # infinity, struck
    "70,0 70,80 / 70,80 40,70 16,84 30,100 60,98 70,80 / 70,0 100,20 90,44",  # note
    "10,100 10,40 > 90,40 > 90,100 > 10,100 / 20,40 50,0 > 80,40",  # chest with a roof
    "50,100 50,50 / 50,50 10,40 20,10 50,0 80,10 90,40 50,50",  # tree
    "0,50 30,20 70,24 100,80 / 0,50 30,80 70,76 100,20",  # fish
    "0,60 20,100 > 80,100 > 100,60 > 0,60 / 50,60 50,0 > 90,50 > 50,50",  # boat
    "10,30 10,90 40,100 70,90 70,30 > 10,30 / 70,40 98,50 90,76 70,76",  # cup
    "0,100 30,0 > 60,100 > 90,0 > 120,100 > 150,0",  # saw teeth
    "50,0 0,100 > 100,100 > 50,0 / 50,36 50,70 / 50,84 50,86",  # warning
    "30,0 4,50 30,100 / 70,0 96,50 70,100",  # two brackets
    "50,100 50,0 / 0,20 10,50 50,60 90,50 100,20 / 20,100 80,100",  # trident
)
FOREIGN = (
    "0,8 100,4 / 26,8 20,100 / 74,6 80,100",  # pi
    "92,4 6,4 > 52,50 > 4,98 > 96,98",  # sigma
    "20,100 40,96 > 4,50 30,4 70,4 96,50 60,96 > 82,100",  # omega
    "10,0 40,6 92,100 / 50,44 6,100",  # lambda
    "4,10 14,52 50,70 86,52 96,10 / 50,-4 50,104",  # psi
    "50,20 12,34 12,66 50,80 88,66 88,34 50,20 / 50,-6 50,106",  # phi
    "50,0 0,100 > 100,100 > 50,0",  # delta
    "96,14 60,40 20,90 4,60 30,14 60,40 98,92",  # alpha
    "4,0 40,50 > 4,100 / 96,0 60,50 > 96,100 / 50,0 50,100",  # zhe
    "8,0 8,100 > 92,100 > 92,0 / 50,0 50,100",  # sha
    "8,0 8,100 / 8,50 40,50 / 68,4 40,50 68,96 96,50 68,4",  # yu
    "90,100 90,0 > 30,4 16,26 40,48 90,50 / 50,50 8,100",  # ya
    "0,100 8,80 > 92,80 > 100,100 / 20,80 34,0 > 80,0 > 80,80",  # de
    "10,0 10,100 > 90,0 > 90,100",  # i
    "10,0 10,40 50,54 88,44 / 90,0 90,100",  # che
    "10,100 10,0 > 90,0",  # ge
    "8,0 92,100 / 90,0 70,40 / 30,60 10,100",  # aleph
    "10,6 84,6 88,96 / 4,96 98,96",  # bet
    "6,4 20,70 50,98 90,60 94,2 / 50,40 50,98",  # shin
    "10,20 92,18 / 50,0 44,60 60,100 / 82,34 30,96 6,70 40,44 80,52 92,80 66,104",  # a in kana
    "10,14 10,60 30,92 > 40,74 / 80,20 94,70",  # i in kana
    "6,20 90,18 > 60,100 / 48,0 40,60 8,100",  # ka
    "4,30 96,26 / 50,0 50,60 10,100 / 52,50 96,100",  # great
    "50,0 50,100 / 0,40 100,40 / 10,100 90,100",  # earth
    "10,0 10,100 / 10,2 92,2 > 92,100 / 10,50 90,50 / 10,98 92,98",  # sun
    "50,0 40,60 4,100 / 48,40 96,100",  # man
    "14,20 14,80 > 88,80 > 88,20 > 14,20 / 50,0 50,110",  # middle
    "10,10 90,10 / 0,50 100,50 / 50,10 50,100 20,90",  # hand-like sign
)
HOUSES = (
    "8,100 8,44 > 92,44 > 92,100 > 8,100 / 0,46 50,0 > 100,46",
    "10,100 10,42 > 50,0 > 90,42 > 90,100 > 10,100",
    "10,100 90,40 > 10,40 > 50,0 > 90,40 > 90,100 > 10,40 > 10,100 > 90,100",
    "6,100 6,40 > 94,40 > 94,100 > 6,100 / 6,40 50,0 > 94,40 / 40,100 40,66 > 62,66 > 62,100",
    "6,100 6,40 > 94,40 > 94,100 > 6,100 / 0,42 50,0 > 100,42 / 24,56 24,76 > 46,76 > 46,56 > "
    "24,56 / 64,100 64,64 > 82,64 > 82,100",
)
FACES = (
    "50,0 14,14 0,50 14,86 50,100 86,86 100,50 86,14 50,0 / 32,34 32,42 / 68,34 68,42 / "
    "26,64 50,80 74,64",
    "50,0 14,14 0,50 14,86 50,100 86,86 100,50 86,14 50,0 / 34,36 34,38 / 66,36 66,38 / "
    "30,72 70,72",
    "40,0 24,12 30,28 50,28 56,10 40,0 / 42,28 42,66 / 12,44 72,42 / 42,66 14,104 / 42,66 72,104",
)
# Digits that, turned by 90° or mirrored, are no digits any more.
TURNED = (2, 3, 4, 5, 6, 9)
MIRRORED = (3, 4, 6, 9)
LYING = "0,50 50,50 100,50"  # a 1 lying down, which makes a pair one long line
LETTER_JITTER = Jitter(point=5.5, stroke=5.0, shear=0.25, turn=7.0, aspect=0.32)
CAREFUL = Jitter(point=4.0, stroke=3.0, aspect=0.22)


def _drawn(strokes: Sequence[tuple[Array, Array]], rng: Generator) -> Array:
    """Frame drawings given as segments, each (starts, ends) of (S, 2): (N, 28, 28) float32."""
    pictures = np.zeros((len(strokes), images.SIZE, images.SIZE), np.float32)
    order = sorted(range(len(strokes)), key=lambda i: len(strokes[i][0]))
    for start in range(0, len(order), 128):
        some = order[start : start + 128]
        longest = len(strokes[some[-1]][0])
        padded = np.empty((2, len(some), longest, 2))
        for row, number in enumerate(some):
            for side in (0, 1):
                lines = strokes[number][side]
                padded[side, row, : len(lines)] = lines
                padded[side, row, len(lines) :] = strokes[number][1][-1]  # a dot at its end
        radius = images.PEN_RADIUS * np.exp(rng.normal(0, 0.18, len(some)))
        pictures[some] = images.frame_lines(padded[0], padded[1], radius)
    return pictures


def _written(paths: Sequence[str], count: int, rng: Generator, jitter: Jitter) -> list[Any]:
    """`count` drawings, each of a path chosen at random, as segments (S, 2)."""
    drawings: list[Any] = [None] * count
    chosen = rng.integers(len(paths), size=count)
    for number in np.unique(chosen):
        rows = np.flatnonzero(chosen == number)
        starts, ends = write_strokes(Style(0, 1, paths[number]), len(rows), rng, jitter)
        for row, start, end in zip(rows.tolist(), starts, ends, strict=True):
            drawings[row] = (start, end)
    return drawings


def _from_paths(paths: Sequence[str]) -> Kind:
    def kind(count: int, rng: Generator) -> Array:
        return _drawn(_written(paths, count, rng, CAREFUL), rng)

    return kind


def letters(count: int, rng: Generator) -> Array:
    """Latin letters, each as likely as the other."""
    names = list(LETTERS)
    chosen = rng.integers(len(names), size=count)
    drawings: list[Any] = [None] * count
    for number in np.unique(chosen):
        rows = np.flatnonzero(chosen == number)
        written = _written(LETTERS[names[number]], len(rows), rng, LETTER_JITTER)
        for row, drawing in zip(rows.tolist(), written, strict=True):
            drawings[row] = drawing
    return _drawn(drawings, rng)


def _curve(control: Array, steps: int = 12) -> Array:
    """A smooth line (P, 2) through control points (K, 2): Catmull–Rom."""
    padded = np.concatenate([control[:1], control, control[-1:]])
    t = np.arange(steps)[:, None] / steps
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        out, into = (c - a) / 2, (d - b) / 2
        pieces.append(
            b * (2 * t**3 - 3 * t**2 + 1)
            + out * (t**3 - 2 * t**2 + t)
            + c * (3 * t**2 - 2 * t**3)
            + into * (t**3 - t**2)
        )
    return np.concatenate([*pieces, control[-1:]])


def _segments(lines: Sequence[Array]) -> tuple[Array, Array]:
    starts = np.concatenate([line[:-1] for line in lines])
    return starts, np.concatenate([line[1:] for line in lines])


def scribbles(count: int, rng: Generator) -> Array:
    """Wild curves: one to three strokes through random points."""
    drawings = []
    for _ in range(count):
        spread = rng.uniform(0.4, 1, 2)
        lines = []
        for _ in range(rng.integers(1, 4)):
            points = int(rng.integers(5, 14))
            if rng.random() < 0.5:
                control = rng.uniform(-1, 1, (points, 2))
            else:  # a walk
                control = np.cumsum(rng.normal(0, 1, (points, 2)), axis=0)
                control /= np.abs(control).max()
            lines.append(_curve(control * spread) + rng.normal(0, 0.2, 2))
        drawings.append(_segments(lines))
    return _drawn(drawings, rng)


def zigzags(count: int, rng: Generator) -> Array:
    """Rubbing to and fro, straight or round, at any angle."""
    drawings = []
    for _ in range(count):
        points = int(rng.integers(6, 16))
        control = np.empty((points, 2))
        control[:, 0] = np.linspace(0, rng.uniform(0.3, 1.5), points)
        control[:, 1] = np.where(np.arange(points) % 2, 0, 1) + rng.normal(0, 0.12, points)
        angle = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        control = control @ turn + rng.normal(0, 0.05, control.shape)
        drawings.append(_segments([_curve(control) if rng.random() < 0.6 else control]))
    return _drawn(drawings, rng)


def straight_lines(count: int, rng: Generator) -> Array:
    """Three to six straight lines, apart or joined."""
    drawings = []
    for _ in range(count):
        lines = int(rng.integers(3, 7))
        if rng.random() < 0.5:
            drawings.append(_segments(list(rng.uniform(0, 1, (lines, 2, 2)))))
        else:
            corners = rng.uniform(0, 1, (lines + 1, 2))
            if rng.random() < 0.5:
                corners[-1] = corners[0]
            extra = rng.uniform(0, 1, (2, 2))
            drawings.append(_segments([corners, extra]))
    return _drawn(drawings, rng)


def polygons(count: int, rng: Generator) -> Array:
    """Rings with three to six corners, with a line across or something within."""
    drawings = []
    for _ in range(count):
        corners = int(rng.integers(3, 7))
        angle = np.sort(
            rng.uniform(0, 2 * np.pi)
            + (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
        )
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.5, 1, 2)
        ring = np.concatenate([ring, ring[:1]])
        lines = [ring]
        if corners > 4 or rng.random() < 0.7:
            for _ in range(rng.integers(1, 3)):
                lines.append(
                    ring[rng.choice(corners, 2, replace=False)] * rng.uniform(0.5, 1.2)
                    + rng.normal(0, 0.1, 2)
                )
        drawings.append(_segments(lines))
    return _drawn(drawings, rng)


def _digit_drawings(count: int, rng: Generator, digits: Sequence[int] = range(10)) -> list[Any]:
    paths = [style.path for style in STYLES if style.digit in digits and style.path != LYING]
    return _written(paths, count, rng, Jitter())


def _normalised(drawing: tuple[Array, Array]) -> tuple[Array, Array, float]:
    """A drawing moved and scaled to begin at (0, 0) and be 1 high, and its width then."""
    both = np.concatenate(drawing)
    low, high = both.min(axis=0), both.max(axis=0)
    height = max(high[1] - low[1], 0.3 * (high[0] - low[0]), 1e-6)
    return (drawing[0] - low) / height, (drawing[1] - low) / height, (high[0] - low[0]) / height


def _side_by_side(
    drawings: Sequence[Sequence[tuple[Array, Array]]], rng: Generator, gap: tuple[float, float]
) -> Array:
    rows = []
    for group in drawings:
        left, starts, ends = 0.0, [], []
        for drawing in group:
            start, end, width = _normalised(drawing)
            size = rng.uniform(0.75, 1.1)
            shift = np.array([left, rng.uniform(-0.15, 0.15)])
            starts.append(start * size + shift)
            ends.append(end * size + shift)
            left += width * size + rng.uniform(*gap)
        rows.append((np.concatenate(starts), np.concatenate(ends)))
    return _drawn(rows, rng)


def pairs(count: int, rng: Generator) -> Array:
    """Two digits beside each other."""
    first, second = _digit_drawings(count, rng), _digit_drawings(count, rng)
    return _side_by_side(list(zip(first, second, strict=True)), rng, (0.05, 0.5))


def three_digits(count: int, rng: Generator) -> Array:
    """Three digits beside each other."""
    parts = [_digit_drawings(count, rng) for _ in range(3)]
    return _side_by_side(list(zip(*parts, strict=True)), rng, (0.05, 0.4))


def words(count: int, rng: Generator) -> Array:
    """Two or three letters beside each other."""
    paths = [path for several in LETTERS.values() for path in several]
    parts = [_written(paths, count, rng, CAREFUL) for _ in range(3)]
    groups = list(zip(*parts, strict=True))
    return _side_by_side([group[: rng.integers(2, 4)] for group in groups], rng, (0.1, 0.4))


def overdrawn(count: int, rng: Generator) -> Array:
    """A digit over another, or crossed out."""
    first = _digit_drawings(count, rng, (2, 3, 4, 5, 6, 8, 9))
    second = _digit_drawings(count, rng, (2, 3, 4, 5, 6, 8, 9))
    rows = []
    for one, other in zip(first, second, strict=True):
        start, end, width = _normalised(one)
        if rng.random() < 0.5:
            start2, end2, _ = _normalised(other)
        else:  # crossed out by two or more lines
            lines = rng.uniform(-0.1, 1.1, (rng.integers(2, 4), 2, 2)) * np.array([width, 1])
            start2, end2 = _segments(list(lines))
        shift = rng.normal(0, 0.12, 2)
        rows.append((np.concatenate([start, start2 + shift]), np.concatenate([end, end2 + shift])))
    return _drawn(rows, rng)


def turned(count: int, rng: Generator) -> Array:
    """Digits turned by 90° or mirrored, where that makes no other digit."""
    half = count // 2
    pictures = _drawn(_digit_drawings(half, rng, TURNED), rng)
    angles = rng.choice([1, 3], half)
    lying = (
        np.stack([np.rot90(p, k) for p, k in zip(pictures, angles, strict=True)])
        if half
        else pictures
    )
    mirrored = _drawn(_digit_drawings(count - half, rng, MIRRORED), rng)[:, :, ::-1]
    return np.concatenate([lying, mirrored])


def fragments(count: int, rng: Generator) -> Array:
    """Parts of two letters or digits thrown together."""
    paths = [path for several in LETTERS.values() for path in several]
    first = _written(paths, count, rng, Jitter())
    second = _digit_drawings(count, rng, (2, 3, 4, 5, 6, 8, 9))
    rows = []
    for one, other in zip(first, second, strict=True):
        starts, ends = [], []
        for drawing in (one, other):
            start, end, _ = _normalised(drawing)
            cut = int(len(start) * rng.uniform(0.4, 0.8))
            at = int(rng.integers(0, len(start) - cut + 1))
            shift = rng.normal(0, 0.2, 2)
            starts.append(start[at : at + cut] + shift)
            ends.append(end[at : at + cut] + shift)
        rows.append((np.concatenate(starts), np.concatenate(ends)))
    return _drawn(rows, rng)


def dots(count: int, rng: Generator) -> Array:
    """A dot, or a few: the pen put down and hardly moved."""
    drawings = []
    for _ in range(count):
        places = rng.uniform(-1, 1, (rng.integers(1, 4), 1, 2))
        drawings.append(_segments(list(places + rng.normal(0, 0.02, (len(places), 2, 2)))))
    pictures = _drawn(drawings, rng)
    for row in np.flatnonzero([len(start) == 1 for start, _ in drawings]):  # framed as a dot is
        point = rng.normal(0, 0.2, (2, 2)) + images.SIZE / 2
        stroke = images.Stroke([tuple(p) for p in point.tolist()], 1.1)
        pictures[row] = images.frame_strokes([stroke])
    return pictures


def spirals(count: int, rng: Generator) -> Array:
    """Spirals of two to four turns."""
    drawings = []
    for _ in range(count):
        turns = rng.uniform(2, 4)
        angle = np.linspace(0, turns * 2 * np.pi, int(30 * turns)) * rng.choice([-1, 1])
        radius = np.linspace(rng.uniform(0, 0.2), 1, len(angle))[:, None]
        line = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.6, 1, 2)
        drawings.append(_segments([line]))
    return _drawn(drawings, rng)


def waves(count: int, rng: Generator) -> Array:
    """A wavy line, level or slanted, sometimes two."""
    drawings = []
    for _ in range(count):
        x = np.linspace(0, 1, 60)
        lines = []
        for number in range(rng.integers(1, 3)):
            y = rng.uniform(0.08, 0.25) * np.sin(
                2 * np.pi * x * rng.uniform(2, 4) + rng.uniform(0, 6)
            )
            lines.append(np.stack([x, y + 0.4 * number + rng.uniform(-0.4, 0.4) * x], axis=1))
        drawings.append(_segments(lines))
    return _drawn(drawings, rng)


def grids(count: int, rng: Generator) -> Array:
    """Two or three lines across two or three others: a fence, a window, noughts and crosses."""
    drawings = []
    for _ in range(count):
        lines = []
        for axis in (0, 1):
            for place in np.linspace(0.15, 0.85, rng.integers(2, 4)):
                line = np.array([[0.0, place], [1.0, place]]) + rng.normal(0, 0.05, (2, 2))
                lines.append(line if axis else line[:, ::-1])
        drawings.append(_segments(lines))
    return _drawn(drawings, rng)


TRAINING_KINDS: dict[str, tuple[float, Kind]] = {  # with how often each is shown
    "letters": (5.0, letters),
    "scribbles": (1.0, scribbles),
    "zigzags": (0.5, zigzags),
    "straight lines": (0.7, straight_lines),
    "polygons": (0.5, polygons),
    "pairs": (1.0, pairs),
    "overdrawn": (0.7, overdrawn),
    "turned": (0.8, turned),
    "fragments": (0.8, fragments),
}
MEASURING_KINDS: dict[str, Kind] = {
    "houses": _from_paths(HOUSES),
    "faces and figures": _from_paths(FACES),
    "signs": _from_paths(SIGNS),
    "letters of other scripts": _from_paths(FOREIGN),
    "words": words,
    "three digits": three_digits,
    "spirals": spirals,
    "waves": waves,
    "grids": grids,
    "dots": dots,
}


def draw_training(count: int, rng: Generator) -> Array:
    """About `count` non-digits of the training kinds, shuffled: (N, 28, 28) float32."""
    total = sum(weight for weight, _ in TRAINING_KINDS.values())
    parts = [kind(round(count * weight / total), rng) for weight, kind in TRAINING_KINDS.values()]
    return rng.permutation(np.concatenate(parts))


def draw_measuring(count: int, rng: Generator) -> dict[str, Array]:
    """`count` non-digits of each measuring kind, (count, 28, 28) float32."""
    return {name: kind(count, rng) for name, kind in MEASURING_KINDS.items()}
