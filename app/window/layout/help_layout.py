"""Where the lines of the help stand: in their groups, in columns, on pages where there are many."""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.window.input.commands import (
    DIALOG_ACTIONS,
    GROUPS,
    LABELS,
    PANEL_COMMANDS,
    Action,
    Command,
    Panel,
)
from app.window.layout.dialog_layout import DialogLayout
from app.window.style.geometry import Rect
from app.window.style.text import BOLD, MIN_TEXT, REGULAR, TextRenderer

MOUSE = Command(None, "mouse", "the left button draws, the right erases; fingers draw too", {})
TURN = DIALOG_ACTIONS["help"]["PageDown"]
NEXT_PAGE = Command(None, "PgDn", "the next page of this", TURN, in_dialogs=True)
MANY = 3  # keys of a command that stand beside its words; more of them stand in a line below
LINE = 1.35  # height of a line, in sizes of its letters


class Choice(NamedTuple):
    """A key of a command, which a click presses."""

    label: str
    place: Rect
    action: Action


class Entry(NamedTuple):
    """What the help says of a command: its keys, and the lines of its words."""

    place: Rect
    command: Command
    keys: Rect | None  # of keys that are only named
    choices: tuple[Choice, ...]
    words: tuple[tuple[str, Rect], ...]


@dataclass
class Page:
    """What stands on one page: the names of the groups, and the commands."""

    headings: list[tuple[str, Rect]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[Command, Choice] | None:
        """A command at a place, and the key that is there, or else its first."""
        for entry in self.entries:
            if entry.choices and entry.place.contains(x, y):
                hit = (choice for choice in entry.choices if choice.place.contains(x, y))
                return entry.command, next(hit, entry.choices[0])
        return None


class HelpSheet(NamedTuple):
    """The pages of the help, and the size of the letters on them."""

    dialog: DialogLayout
    pages: tuple[Page, ...]
    letters: int
    last: Rect  # the line at the bottom

    def turning_at(self, x: float, y: float) -> tuple[Command, Choice] | None:
        """What turns the page, where there are several, at a place."""
        if len(self.pages) == 1 or not self.last.contains(x, y):
            return None
        return NEXT_PAGE, Choice(NEXT_PAGE.keys, self.last, TURN)


class _Ruler:
    """How wide texts are in letters of any size, from the width of the smallest."""

    def __init__(self) -> None:
        self._renderer = TextRenderer()
        self._known: dict[tuple[str, str], int] = {}

    def width(self, text: str, letters: int, face: str = BOLD) -> int:
        """About how wide a text is."""
        key = text, face
        if key not in self._known:
            self._known[key] = self._renderer.width(text, MIN_TEXT, face)
        return -(-self._known[key] * letters // MIN_TEXT)

    def wrapped(self, text: str, width: int, letters: int) -> list[str]:
        """The lines of a text that is wrapped at its spaces."""
        lines, left, space = [""], 0, self.width("n", letters, REGULAR) // 2
        for word in text.split():
            need = self.width(word, letters, REGULAR) + space
            if lines[-1] and need > left:
                lines.append("")
            if not lines[-1]:
                left = width
            lines[-1] = f"{lines[-1]} {word}".strip()
            left -= need
        return lines


class _Setting(NamedTuple):
    """One way to set the help: how large its letters are, and in how many columns."""

    ruler: _Ruler
    letters: int
    columns: int
    width: int  # of a column
    gap: int  # between columns
    room: Rect

    @property
    def line(self) -> int:
        """How high a line is."""
        return round(self.letters * LINE)

    @property
    def inset(self) -> int:
        """The space between a key's letters and its edge, and between two keys."""
        return max(2, self.letters // 4)

    def key_width(self, label: str) -> int:
        """How wide a key is."""
        return self.ruler.width(label, self.letters) + 2 * self.inset


def groups_of(panel: Panel) -> dict[str, list[Command]]:
    """The commands by their groups, with those of the panel that is open."""
    groups = {name: list(commands.values()) for name, commands in GROUPS.items()}
    groups["draw"].insert(0, MOUSE)
    known = {id(command.does) for command in itertools.chain(*groups.values())}
    here = [each for each in PANEL_COMMANDS[panel].values() if id(each.does) not in known]
    return ({f"{panel}, while it is open": here} if here else {}) | groups


def labels_of(command: Command) -> dict[str, Action]:
    """The keys that a click can press: one for each thing that the command does."""
    first: dict[Action, str] = {}
    for key, action in command.actions.items() if command.does else ():
        first.setdefault(action, key)
    if len(first) == 1:
        return dict.fromkeys([command.keys], next(iter(first)))
    return {LABELS.get(key, key): action for action, key in first.items()}


@functools.lru_cache(maxsize=4)
def lay_out_help(dialog: DialogLayout, panel: Panel, least: int = 0) -> HelpSheet:
    """The help in the largest letters that fit on one page, or else on several.

    Its letters have at least the size `least`.
    """
    groups, ruler, text = groups_of(panel), _Ruler(), dialog.text
    names = [each.keys for group in groups.values() for each in group if not each.does]
    last = Rect(dialog.inner.x, dialog.sheet.bottom - text * 2, dialog.inner.width, text * 3 // 2)
    room = dialog.inner._replace(y=dialog.title.bottom + text // 3)
    room = room._replace(height=last.y - room.y)
    least = max(MIN_TEXT, least)
    gap, largest = text * 3 // 2, max(least, round(text * 0.95))
    sizes = range(largest, least - 1, -1)

    @functools.cache
    def settings_of(letters: int) -> list[tuple[_Setting, dict[str, list[Entry]]]]:
        """In as many columns as have room for their words."""
        named = max(ruler.width(name, letters) for name in names)
        widths = {columns: (room.width + gap) // columns - gap for columns in (1, 2, 3)}
        settings = [
            _Setting(ruler, letters, columns, width, gap, room)
            for columns, width in widths.items()
            if columns == 1 or width >= max(letters * 18, named * 11 // 4)
        ]
        return [(setting, _entries(groups, setting)) for setting in settings]

    def pages_of(letters: int, is_whole: bool) -> tuple[Page, ...]:
        """The fewest pages that are possible in letters of this size."""
        tried = (_filled(entries, each, is_whole) for each, entries in settings_of(letters))
        return min(tried, key=len)

    def fitting(sizes: Sequence[int], is_whole: bool) -> int | None:
        """The largest of these sizes at which one page is enough."""
        fits = bisect.bisect_left(sizes, True, key=lambda size: len(pages_of(size, is_whole)) == 1)
        return sizes[fits] if fits < len(sizes) else None

    divided = fitting(sizes, False) or least
    near = [size for size in sizes if 0.85 * divided <= size <= divided]
    letters = fitting(near, True) or divided
    pages = min(pages_of(letters, True), pages_of(letters, False), key=len)
    return HelpSheet(dialog, pages, letters, last)


def _entries(groups: dict[str, list[Command]], setting: _Setting) -> dict[str, list[Entry]]:
    """The commands of each group as they are set, all at the top left of the window."""
    commands = [each for group in groups.values() for each in group]
    beside = [list(labels_of(each)) or [each.keys] for each in commands]
    widths = [_keys_width(setting, labels) for labels in beside if len(labels) <= MANY]
    keys = min(max(widths), setting.width * 2 // 5)
    return {
        name: [_entry(setting, command, keys) for command in commands]
        for name, commands in groups.items()
    }


def _filled(groups: dict[str, list[Entry]], setting: _Setting, is_whole: bool) -> tuple[Page, ...]:
    """Fill column after column, page after page.

    With `is_whole` no group is divided that has room in one column.
    """
    room, line = setting.room, setting.line
    pages, column, y = [Page()], 0, 0
    for name, entries in groups.items():
        whole = line + sum(entry.place.height for entry in entries)
        for number, entry in enumerate(entries):
            heading = line if number == 0 else 0
            space = line // 2 if heading and y else 0
            need = entry.place.height + heading
            if heading and is_whole and whole <= room.height:
                need = whole
            if y and y + space + need > room.height:
                column, y, space = column + 1, 0, 0
            if column == setting.columns:
                pages.append(Page())
                column = 0
            x, top = room.x + column * (setting.width + setting.gap), room.y + y + space
            if heading:
                pages[-1].headings.append((name, Rect(x, top, setting.width, line)))
            pages[-1].entries.append(_moved(entry, x, top + heading))
            y += space + heading + entry.place.height
    return tuple(pages)


def _keys_width(setting: _Setting, labels: list[str]) -> int:
    spaces = setting.inset * len(labels)
    return sum(setting.key_width(label) for label in labels) + spaces + setting.inset


def _entry(setting: _Setting, command: Command, keys: int) -> Entry:
    """A command's keys and words, as if they stood at the top left of the window."""
    labels, line = labels_of(command), setting.line
    lines = setting.ruler.wrapped(command.help, setting.width - keys, setting.letters)
    words = [
        (text, Rect(keys, number * line, setting.width - keys, line))
        for number, text in enumerate(lines)
    ]
    height = len(lines) * line
    below = len(labels) > MANY or _keys_width(setting, list(labels)) > keys
    x, y = (keys, height) if below else (0, 0)
    choices = []
    for label, action in labels.items():
        width = setting.key_width(label)
        if x + width > setting.width and x > keys:
            x, y = keys, y + line
        choices.append(Choice(label, Rect(x, y, width, line), action))
        x += width + setting.inset
    height = max(height, y + line)
    named = Rect(0, 0, keys - setting.inset, line) if not choices or below else None
    return Entry(Rect(0, 0, setting.width, height), command, named, tuple(choices), tuple(words))


def _moved(entry: Entry, x: int, y: int) -> Entry:
    def moved(rect: Rect) -> Rect:
        return rect._replace(x=rect.x + x, y=rect.y + y)

    return entry._replace(
        place=moved(entry.place),
        keys=None if entry.keys is None else moved(entry.keys),
        choices=tuple(each._replace(place=moved(each.place)) for each in entry.choices),
        words=tuple((text, moved(rect)) for text, rect in entry.words),
    )
