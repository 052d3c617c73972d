"""The styles in which people write digits."""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """One way to write a digit.

    In `path`, numbers are percents of the digit's box: "x,y x,y" is a smooth curve through points,
    ">" makes the point before it a corner, "/" lifts the pen. `weight` says how often the style is
    written, compared with the other styles of the same digit.
    """

    digit: int
    weight: float
    path: str


def _styles(table: str) -> tuple[Style, ...]:
    rows = [line.partition("#")[0].split(maxsplit=2) for line in table.splitlines() if line]
    return tuple(Style(int(digit), float(weight), path.strip()) for digit, weight, path in rows)


# Digit, weight, path.
STYLES = _styles("""
0 3   50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0  # an oval, closed
0 2   70,8 40,0 12,20 3,55 20,92 50,100 82,88 97,50 85,15 55,2 30,10  # its ends overlap
0 1   40,2 12,20 3,55 20,90 50,100 85,85 97,45 85,12 65,3  # its ends do not meet
0 1   62,8 30,6 6,40 15,88 50,100 88,82 95,40 72,8 48,6 42,22 62,32  # its end curls inside
0 2   50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 76,20 25,80  # slashed within
0 3   50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 102,-4 -2,104  # slashed across
0 1   50,5 24,14 8,50 22,88 50,97 78,88 92,50 76,14 50,5 / 125,-12 -20,112  # slashed far across
0 1   50,0 20,12 3,50 18,88 50,100 82,88 97,50 80,12 50,0 / 15,10 85,90  # slashed the other way
0 1   70,6 40,0 10,25 3,60 25,95 60,98 92,70 96,30 74,4 > 18,96  # slashed without lifting the pen
0 3   50,14 24,24 10,50 24,78 50,88 76,78 90,50 76,24 50,14 / 70,-10 30,112  # small, steep slash
0 1   50,14 24,24 10,50 24,78 50,88 76,78 90,50 76,24 50,14 / 54,-8 48,110  # small, upright slash
0 0.5 45,2 10,22 4,58 28,96 68,96 95,60 80,20 45,3 > 104,-2  # its end runs out to the right
0 0.5 -10,14 50,0 90,20 94,68 50,98 12,80 10,40 40,14 88,4  # it comes in from the left
0 0.7 30,2 48,-10 64,2 40,14 8,42 14,88 50,100 90,80 88,40 54,12 34,2  # a small loop at the top

1 3   50,0 50,50 50,100  # a line
1 3   32,20 54,0 > 54,50 54,100  # a short flag
1 4   8,42 52,0 > 52,50 52,100  # a flag, long
1 2   -5,58 50,0 > 52,50 50,100  # longer still
1 2   0,32 46,0 > 52,50 60,100  # the same, leaning back
1 1   -30,45 80,0 > 66,50 56,100  # a flag as wide as a roof, the stem slanted
1 0.8 36,46 32,28 50,0 > 52,50 50,100  # the flag hugs the stem
1 2   6,27 28,8 54,0 > 54,50 57,100  # the flag hangs over
1 1.5 14,30 38,20 56,0 > 54,50 54,100  # a curved flag
1 0.4 4,26 34,23 54,10 > 54,50 56,100  # the flag nearly level
1 0.7 26,22 36,6 58,2 > 58,50 58,100  # the flag bent over at the top
1 3   24,24 52,0 > 52,50 52,100 / 14,100 88,100  # a flag and a foot
1 1   2,45 50,0 > 50,50 50,100 / 8,100 92,100  # a long flag and a foot
1 0.5 24,24 52,0 > 52,98 > 15,100 > 90,99  # a flag and a foot without lifting the pen
1 0.7 20,26 56,0 > 50,50 42,97 > 0,100 > 98,94  # the same, slanted, the foot far to both sides
1 0.8 16,28 54,0 > 54,50 54,99 > 8,97  # a foot to the left only
1 0.6 34,20 60,3 > 58,50 57,97 > -6,97  # the same, the flag short and the foot long
1 0.7 58,0 45,50 52,100  # the line bends
1 0.7 50,0 50,50 50,100 / 18,100 82,100  # a foot only
1 0.7 24,0 76,0 / 50,0 50,100 / 18,100 82,100  # serifs at both ends
1 1   50,0 50,45 51,85 60,99 74,94  # the pen hooks away at the end
1 0.7 60,0 50,50 42,99 > 72,80  # the pen springs up to the right at the end
1 0.3 0,50 50,50 100,50  # lying down: a lone line is a 1, whichever way it points

2 3   5,25 20,3 60,0 88,22 70,55 30,85 4,100 > 50,98 98,98  # round, with a corner
2 1   8,22 28,2 66,2 86,25 64,60 30,86 2,98 > 28,90 62,100 100,90  # a flat base that waves
2 2   5,25 30,2 75,5 85,35 50,74 16,98 2,88 20,78 55,94 98,97  # a loop at the corner
2 1   8,28 30,3 74,4 84,34 46,82 12,96 10,74 40,76 66,96 100,90  # a large loop
2 1   5,22 40,0 85,18 62,55 20,86 30,98 98,95  # without a corner
2 1   5,6 90,4 > 5,97 > 95,97  # like a Z
2 1   28,32 8,22 30,2 74,4 84,32 48,70 4,100 > 50,97 98,99  # the start curls

3 3   8,12 48,0 88,18 75,40 40,47 > 80,54 92,78 60,100 5,88  # round
3 2   8,3 88,3 > 45,42 > 85,52 92,80 55,100 5,90  # a flat top
3 1   4,4 92,2 > 38,46 > 78,48 96,74 66,100 4,92  # a flat top and a slanted neck
3 1   8,12 50,0 85,18 62,44 42,50 40,43 62,45 92,70 60,100 5,90  # a loop in the middle
3 0.7 8,12 48,0 86,18 75,40 40,47 > 80,54 92,78 60,100 16,96 12,80 32,78  # the end curls
3 1   10,8 60,0 84,20 68,46 > 90,74 60,100 8,94  # the middle only indented
3 0.7 8,14 44,0 82,10 66,44 74,70 54,98 8,94  # no waist
3 1   2,10 84,4 > 48,42 > 76,54 82,78 58,99 22,94  # a flat top, a small belly
3 0.7 6,18 30,4 76,6 72,26 44,44 78,56 88,80 56,100 10,92  # a hooked top, no corner at the neck

4 2   20,0 5,60 > 95,60 / 70,20 70,100  # open, an L and a stem
4 2   14,2 8,54 > 92,54 / 76,0 72,100  # open, the stem as high as the L
4 1   18,0 6,56 > 74,56 / 76,4 72,100  # open, the bar ends at the stem
4 1   36,0 4,62 > 98,60 / 66,40 62,100  # open, the stem begins at the bar
4 1   46,0 14,68 > 86,64 / 62,44 60,96  # open and narrow, a short stem crosses the bar
4 2   12,2 8,34 24,54 58,54 84,42 / 88,0 84,50 80,100  # open, a bowl like a U
4 1.5 12,2 8,36 30,54 70,46 88,2 > 86,50 80,100  # the same without lifting the pen
4 1   46,0 4,60 > 100,52 / 78,22 60,100  # open, a V on its side
4 2   65,0 0,68 > 100,68 / 66,0 66,100  # closed, a triangle
4 1   66,100 65,0 > 0,68 > 100,66  # closed, without lifting the pen
4 1   52,4 2,62 > 98,62 / 72,2 68,100  # nearly closed at the top
4 1   80,0 40,26 4,56 24,64 100,58 / 76,18 62,100  # closed, with a round corner at the left
4 1   50,0 5,55 > 78,48 > 45,100  # like lightning
4 1   42,4 12,40 30,58 62,44 / 90,0 28,100  # a hook, crossed by a long slanted stem
4 0.7 36,4 6,40 20,56 100,44 / 80,6 40,100  # the same, the hook running through the stem
4 0.4 25,0 5,60 > 95,60  # the stem still to come: the program reads along while one writes
4 0.4 14,0 4,46 34,64 100,50  # the same, curved

5 2   90,3 20,3 > 15,42 > 55,37 92,60 80,92 40,100 5,90  # the bar begins it
5 2   22,5 15,45 > 50,38 90,60 80,92 40,100 5,88 / 20,5 95,2  # the bar drawn last
5 1.5 22,10 16,46 > 54,40 90,64 76,94 40,100 5,88 / 36,0 104,-5  # the bar apart from the rest
5 1   24,6 16,44 > 54,40 86,62 74,94 38,100 4,90 / 52,6 112,0  # the bar far to the right
5 1   24,5 18,40 60,42 88,68 52,100 4,90 / 22,5 92,3  # without a corner at the neck
5 1   90,5 40,2 14,24 50,45 88,68 65,98 8,92  # like an S
5 1   88,4 24,4 > 18,42 > 56,37 92,62 78,92 42,100 12,86 26,70 50,76  # the belly curls
5 0.5 38,8 30,44 > 60,40 92,64 78,94 44,100 14,88 / -20,10 44,4  # the bar to the left
5 1   72,20 88,6 50,0 16,20 42,42 86,66 70,98 24,98 6,78 30,68  # like an S, curled at both ends
5 0.7 86,10 54,0 > 30,40 > 66,56 60,92 20,100  # like an S with straight lines
5 0.7 100,0 16,30 > 62,48 60,80 0,98  # the same, the bar a long slanted line
5 0.4 18,8 40,36 > 96,2 > 16,6 > 36,40 80,60 70,96 10,92  # the pen goes back along the bar

6 3   72,0 35,25 8,65 25,98 65,98 90,75 70,52 35,55 12,74  # a slanted stem
6 1   58,0 18,55 10,80 35,100 78,92 86,66 55,52 18,68  # a straight stem
6 2   90,12 65,0 35,15 10,55 20,95 60,100 90,78 70,52 35,55 12,75  # a curled stem
6 1   16,0 11,45 12,88 45,100 86,84 80,58 45,50 12,66  # like a b
6 1   66,0 28,28 6,68 28,98 68,98 88,76 68,58 42,64  # the loop left open
6 1   66,0 32,25 14,64 30,98 68,98 90,76 66,54 30,62 -4,84  # the loop overshoots
6 1   60,0 20,28 4,66 28,98 70,98 95,70 70,38 30,44 8,70  # the loop nearly as large as the digit
6 1.5 72,0 40,40 20,80 34,100 62,96 66,80 46,74 28,88  # the loop small

7 2   0,6 94,4 > 64,52 40,100  # a bar and a straight stem
7 1   0,8 96,4 > 66,42 52,72 48,100  # a curved stem
7 1   0,12 40,2 88,4 92,20 64,58 44,100  # without a corner
7 1   3,26 6,4 > 94,5 > 66,52 46,100  # a serif at the left
7 1   0,18 22,2 58,12 98,3 > 60,52 42,100  # a wavy top
7 3   0,6 94,4 > 64,52 40,100 / 26,52 86,50  # barred
7 1   0,6 94,4 > 66,50 44,100 / 22,66 80,48  # barred low, or upwards
7 1.5 3,24 6,4 > 94,5 > 66,52 46,100 / 28,52 88,50  # barred, with a serif
7 1.5 0,18 22,2 58,12 98,3 > 60,52 42,100 / 24,54 84,52  # barred, with a wavy top
7 1   6,38 8,6 > 92,5 > 66,52 54,100 / 20,54 90,52  # barred, with a long serif
7 1   0,6 90,4 > 74,50 68,100 / 40,50 104,48  # barred, the stem straight down
7 1   14,20 40,0 80,6 76,34 48,100 / 22,60 78,54  # round, barred
7 0.5 10,12 44,0 86,4 > 66,50 46,100 > 20,58 > 88,48  # the pen goes from the stem to the bar
7 0.7 40,36 12,34 8,10 44,0 96,6 78,44 48,76 36,100  # curled at the start

8 3   84,14 50,0 16,18 30,42 70,58 88,82 50,100 12,82 30,58 72,40 84,14  # begun as an S
8 2   70,10 42,0 14,20 34,44 74,62 84,86 45,100 12,80 36,56 74,32 92,2  # an S, its ends apart
8 1   94,4 50,6 20,20 34,44 72,60 86,84 50,100 14,82 34,58 66,36 70,-4  # an S, its ends crossing
8 1   16,14 50,0 84,18 70,42 30,58 12,82 50,100 88,82 70,58 28,40 16,14  # begun to the right
8 2   50,0 22,8 20,36 50,48 80,36 78,8 50,0 / 50,48 14,60 12,90 50,100 88,90 86,60 50,48  # 2 rings
8 1   84,6 50,0 18,10 > 82,88 50,100 16,90 > 84,6  # straight strokes crossing
8 1.5 80,10 44,0 14,20 46,44 84,70 58,99 18,90 > 88,4  # an S closed by a straight line
8 1   48,48 14,24 50,0 84,22 50,48 14,76 50,100 88,78 48,48  # begun in the middle
8 1   68,14 50,0 34,12 44,32 78,58 86,84 46,100 10,80 28,54 60,34 68,14  # a small upper ring
8 0.7 92,20 50,0 8,22 26,50 60,70 68,88 52,100 34,86 46,64 82,44 92,20  # a small lower ring
8 1   18,18 36,32 62,66 48,98 22,94 24,72 56,40 90,0  # a ribbon, open at the top
8 1   66,2 28,12 32,38 68,62 76,86 48,100 22,86 34,60 66,36 80,12  # a narrow ribbon, its top open
8 0.7 70,2 44,12 30,36 48,46 78,24 70,2 / 50,46 10,74 20,100 62,90 84,60 56,44  # two rings askew

9 3   86,14 50,0 14,14 10,38 40,52 76,40 88,10 > 86,50 82,100  # a ring and a straight stem
9 1   80,8 44,0 10,20 18,46 54,46 84,8 > 68,52 50,100  # a slanted stem
9 2   86,14 50,0 14,14 10,40 42,52 80,38 90,10 94,50 78,90 44,100 10,92  # a curved stem
9 1   86,14 48,0 12,18 14,44 48,50 82,32 90,12 92,60 70,98 24,98 14,80  # a curled stem
9 1   78,4 34,2 8,24 22,48 62,44 90,6 > 88,55 80,100  # a ring left open
9 1   50,0 16,10 12,38 46,52 80,40 82,10 50,0 / 86,2 84,50 78,100  # a ring, then the stem
9 1   92,4 46,4 10,22 16,46 50,50 82,34 94,-4 > 84,50 74,100  # closed above the ring
9 2   84,18 36,2 0,18 26,34 88,16 > 68,56 54,100  # a flat ring
9 1   80,12 54,0 28,10 38,28 72,22 86,6 > 80,52 72,100  # a small ring
9 1   80,10 54,0 30,14 46,32 82,14 > 72,42 86,74 50,100 -2,94  # a small ring, a long tail
9 1.5 78,10 46,12 22,40 40,52 74,20 84,-2 > 68,50 56,100  # a narrow slanted ring
9 1   84,10 48,0 14,14 16,38 48,44 82,14 > 88,52 82,92 46,100 6,90 -2,78  # a tail like that of a g
9 1   84,34 44,44 12,28 30,4 70,2 86,20 > 86,58 76,100  # the ring begun at its lower side
""")
