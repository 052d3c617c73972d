import errno
import json
import os
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from app.drawing.canvas import Canvas
from app.drawing.strokes import MAX_LINE, parse_digit, read_strokes
from app.my_digits import profile as profiles
from app.my_digits.profile import DIGITS_FILE, Profile, ProfileError, open_profile, visible_strokes
from app.replay import Setting, draw_digits
from nn.handwriting.framing import frame_strokes
from nn.support import files
from nn.support.errors import UsageError
from tests.helpers.memory import peak_below

LINE = [[(5.0, 5.0), (5.5, 20.0)]]


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path / "someone")


def labels(profile):
    return [own.digit.label for own in profile.load().digits]


def test_a_digit_is_one_line_that_replay_can_read(profile):
    assert profile.load().digits == ()  # no file yet
    profile.add(4, LINE)
    profile.add(7, [[(1, 2)], [(3, 4), (5, 6)]])
    text = profile.path.read_text()
    assert text.count("\n") == 2
    assert text.endswith("}\n")
    read = list(read_strokes(profile.path))
    assert [digit.label for digit in read] == [4, 7]
    assert read[1].strokes == [[(1, 2)], [(3, 4), (5, 6)]]
    assert [own.digit for own in profile.load().digits] == read


def test_a_line_is_on_the_disk_before_add_returns(profile, monkeypatch):
    synced = []
    real = os.fsync

    def fsync(descriptor):
        synced.append(
            Path(f"/proc/self/fd/{descriptor}").resolve().name if sys.platform == "linux" else ""
        )
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    profile.add(4, LINE)
    if sys.platform == "linux":
        assert DIGITS_FILE in synced
    assert synced


def test_remove_and_relabel(profile):
    first, second, third = (profile.add(label, LINE) for label in (1, 2, 3))
    assert profile.remove(second.key)
    assert not profile.remove(second.key)
    assert profile.relabel(third.key, 8)
    assert labels(profile) == [1, 8]
    assert profile.load().digits[0] == first
    assert profile.load().digits[1].key == third.key
    assert "time" in json.loads(profile.path.read_text().splitlines()[1])  # the rest is kept


def test_a_digit_is_put_back_as_it_was(profile):
    digits = [profile.add(label, LINE) for label in (1, 2, 3)]
    before = profile.path.read_bytes()
    profile.remove(digits[1].key)
    assert profile.put(digits[1], 1)
    assert profile.path.read_bytes() == before
    profile.relabel(digits[2].key, 8)
    assert not profile.put(digits[2], 0)  # it is there, so its place is its own
    assert profile.path.read_bytes() == before
    with open(profile.path, "ab") as file:
        file.write(b"no digit\n")
    for own in digits:
        profile.remove(own.key)
    assert profile.put(digits[2], 2)  # of a list that is shorter now
    assert profile.load().digits == (digits[2],)
    assert profile.rejected_path.read_bytes() == b"no digit\n"


def test_lines_without_a_key_can_be_changed_too(profile):
    profile.folder.mkdir()
    profile.path.write_text('{"label": 3, "strokes": [[[0, 0]]]}\n' * 2)
    one, other = profile.load().digits
    assert one.key != other.key
    assert profile.relabel(one.key, 5)
    assert labels(profile) == [5, 3]
    assert profile.remove(one.key)
    assert labels(profile) == [3]


@pytest.mark.parametrize(("label", "strokes"), [(10, LINE), (-1, LINE), (1, []), (1, [[]])])
def test_what_could_not_be_read_back_is_not_kept(profile, label, strokes):
    with pytest.raises(ValueError, match="expected a label"):
        profile.add(label, strokes)
    assert not profile.path.exists()


def test_bad_lines_are_set_aside_and_named_and_the_good_ones_load(profile):
    profile.add(4, LINE)
    with open(profile.path, "ab") as file:
        file.write(b'{"label": 12, "strokes": [[[0, 0]]]}\n\nno json\n\xff\xfe\n')
    profile.add(5, LINE)
    digits = profile.load()
    assert [own.digit.label for own in digits.digits] == [4, 5]
    assert len(digits.notices) == 3
    assert "digits.jsonl, line 2" in digits.notices[0]
    assert "received 12" in digits.notices[0]
    assert digits.notices[0].endswith("set aside in digits.jsonl.rejected")
    rejected = profile.rejected_path.read_bytes()
    assert rejected == b'{"label": 12, "strokes": [[[0, 0]]]}\nno json\n\xff\xfe\n'
    assert [digit.label for digit in read_strokes(profile.path)] == [4, 5]
    assert profile.load().notices == ()


def test_a_line_that_a_crash_cut_short_does_not_take_the_next_with_it(profile):
    profile.add(1, LINE)
    profile.add(2, LINE)
    whole = profile.path.read_bytes()
    for cut in range(1, len(whole.splitlines()[1]), 7):
        profile.path.write_bytes(whole[:-cut])
        profile.add(3, LINE)
        kept = [1, 2, 3] if cut == 1 else [1, 3]  # only the end of the line was missing
        assert labels(profile) == kept


def test_a_line_that_is_too_long_to_be_read_is_not_written(profile):
    with pytest.raises(ProfileError, match="too long to keep"):
        profile.add(1, [[(i / 7, i / 7) for i in range(100_000)]])
    assert not profile.path.exists()


def test_a_full_disk_leaves_the_file_as_it_was(profile, monkeypatch):
    profile.add(1, LINE)
    before = profile.path.read_bytes()

    def write_half(file, data):
        file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write_all", write_half)
    with pytest.raises(ProfileError, match="No space left on device") as error:
        profile.add(2, LINE)
    assert "\n" not in str(error.value)
    assert "--profile" in str(error.value)
    assert profile.path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_really_full_device_is_one_clear_line(profile, monkeypatch):
    profile.folder.mkdir()
    full = open("/dev/full", "ab+", buffering=0)  # noqa: SIM115 - closed where it is used
    monkeypatch.setattr(files, "open_own", lambda path, append: full)
    with pytest.raises(ProfileError, match="No space left on device"):
        profile._append(profile.path, b"x\n")


def in_the_way(profile):
    """A folder that cannot be written, also for root: a plain file stands where it should be."""
    profile.folder.parent.mkdir(exist_ok=True)
    profile.folder.write_text("")


def test_a_folder_that_cannot_be_made_is_one_clear_line(profile):
    in_the_way(profile)
    with pytest.raises(ProfileError, match=r"cannot write .*lock") as error:
        profile.add(1, LINE)
    assert "\n" not in str(error.value)


def test_in_a_read_only_folder_the_good_lines_load_and_the_bad_are_named(profile, monkeypatch):
    profile.add(4, LINE)
    with open(profile.path, "ab") as file:
        file.write(b"broken")
    real = profiles.open_own

    def guarded(path, most=None, append=False):
        if append:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, most)

    monkeypatch.setattr(profiles, "open_own", guarded)
    digits = profile.load()
    assert [own.digit.label for own in digits.digits] == [4]
    assert len(digits.notices) == 1
    assert "left where it is" in digits.notices[0]
    assert "Read-only file system" in digits.notices[0]
    with pytest.raises(ProfileError, match="Read-only file system"):
        profile.add(5, LINE)


def test_two_windows_at_once_lose_nothing(profile, monkeypatch):
    monkeypatch.setattr(profiles, "LOCK_SECONDS", 300)  # a slow disk is no failure
    keys, failures = [], []

    def work(seed):
        other = Profile(profile.folder)
        rng = random.Random(seed)
        try:
            for _ in range(15):
                own = other.add(rng.randrange(10), LINE)
                if rng.random() < 0.3:
                    assert other.remove(own.key)
                else:
                    keys.append(own.key)
        except Exception as error:  # a thread's error would be lost
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert {own.key for own in profile.load().digits} == set(keys)
    assert not profile.rejected_path.exists()


def test_the_other_windows_change_is_noticed(profile):
    before = profile.version()
    Profile(profile.folder).add(1, LINE)
    after = profile.version()
    assert before is None
    assert after is not None
    Profile(profile.folder).add(1, LINE)
    assert profile.version() != after


def test_a_lock_that_is_held_on_and_on_is_named(profile, monkeypatch):
    monkeypatch.setattr(profiles, "LOCK_SECONDS", 0.05)
    with Profile(profile.folder)._locked(), pytest.raises(ProfileError, match="another window"):
        profile.add(1, LINE)
    profile.add(1, LINE)


def test_the_strokes_of_a_drawing_draw_it_again():
    canvas = Canvas()
    canvas.draw_strokes([[(6, 6), (20, 8), (9, 24)], [(5, 15), (22, 15)]])
    canvas.begin("erase", 14, 15)
    canvas.end()
    strokes = visible_strokes(canvas.strokes)
    assert len(strokes) == 4  # where they cross, both lines are in two now
    again = Canvas()
    again.draw_strokes(strokes)
    difference = np.abs(frame_strokes(again.strokes) - frame_strokes(canvas.strokes))
    assert difference.mean() < 0.02
    assert visible_strokes([]) == []


def test_what_was_kept_looks_to_replay_as_it_did_on_the_canvas(profile):
    canvas = Canvas()
    canvas.draw_strokes([[(3, 3), (9, 3), (4, 14)]])
    own = profile.add(7, visible_strokes(canvas.strokes))
    (image,) = draw_digits([own.digit], Setting())
    assert np.abs(image - frame_strokes(canvas.strokes)).max() < 0.02


def test_forgetting_removes_the_tuned_network_and_no_digit(profile):
    profile.add(1, LINE)
    assert not profile.forget_tuned("cnn")
    profile.tuned_path("cnn").write_bytes(b"weights")
    assert profile.forget_tuned("cnn")
    assert not profile.tuned_path("cnn").exists()
    assert labels(profile) == [1]


def test_profiles_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    default, anna = open_profile(), open_profile("Anna B.-2")
    if sys.platform == "linux":
        assert anna.folder == tmp_path / "digitpad" / "profiles" / "Anna B.-2"
    assert default.folder != anna.folder


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", ".hidden", "dot.", "x" * 65, "a\nb", " a"]
)
def test_a_name_that_is_no_folders_is_refused(name):
    with pytest.raises(UsageError, match="a profile's name has"):
        open_profile(name)


def test_a_line_is_parsed_once_however_often_the_file_is_read(tmp_path, monkeypatch):
    parsed = []

    def counting(line, place):
        parsed.append(line)
        return parse_digit(line, place)

    monkeypatch.setattr(profiles, "parse_digit", counting)
    profile = Profile(tmp_path / "someone")
    first, second = (profile.add(label, [[(1.0, 2.0), (3.0, 4.0)]]) for label in (1, 2))
    assert [own.key for own in profile.load().digits] == [first.key, second.key]
    parsed.clear()
    profile.relabel(first.key, 7)
    profile.remove(second.key)
    assert [own.digit.label for own in profile.load().digits] == [7]
    assert len(parsed) == 1  # the line that is new


def test_a_key_does_not_hang_on_windows_line_ends(profile):
    profile.folder.mkdir()
    line = b'{"label": 1, "strokes": [[[1, 2]]]}'
    profile.path.write_bytes(b"rubbish\r\n" + line + b"\r\n")
    (before,) = profile.load().digits  # the rubbish is set aside, and the file written anew
    (after,) = profile.load().digits
    assert before == after
    assert profile.relabel(before.key, 7)
    assert labels(profile) == [7]


@pytest.mark.parametrize(
    ("size", "line", "says"),
    [(1 << 40, b"", "larger than"), (0, b"\n" * 100_001, "more than 100,000 lines")],
)
def test_a_file_that_would_fill_the_memory_is_left_alone(profile, size, line, says):
    profile.folder.mkdir()
    profile.path.write_bytes(line)
    if size:
        os.truncate(profile.path, size)
    with peak_below(4 << 20), pytest.raises(ProfileError, match=says):
        profile.load()
    assert profile.path.stat().st_size == max(size, len(line))


def test_a_number_too_large_in_a_key_that_nobody_reads_does_not_lose_the_digit(profile):
    profile.folder.mkdir()
    profile.path.write_bytes(b'{"label": 1, "strokes": [[[1, 2]]], "key": "k", "odd": 1e999}\n')
    assert profile.relabel("k", 7)
    assert labels(profile) == [7]
    assert b'"odd":"1e999"' in profile.path.read_bytes()


def test_a_line_that_would_grow_too_long_stays_as_it_is(profile):
    profile.folder.mkdir()
    note = "\N{SNOWMAN}" * (MAX_LINE // 5)  # 3 bytes each as it is, 6 as JSON escapes it
    line = '{"label": 1, "strokes": [[[1, 2]]], "key": "k", "note": "' + note + '"}'
    content = f"{line}\nrubbish\n".encode()
    profile.path.write_bytes(content)
    with pytest.raises(ProfileError, match="too long to be changed"):
        profile.relabel("k", 7)
    assert profile.path.read_bytes() == content
    assert not profile.rejected_path.exists()


def test_a_drawing_of_too_many_points_is_not_kept(profile):
    with pytest.raises(ProfileError, match="expected at most 5,000 points"):
        profile.add(3, [[(1.0, float(number % 9)) for number in range(5001)]])
    assert not profile.path.exists()


def test_on_a_full_disk_a_bad_line_is_set_aside_once(profile, monkeypatch):
    profile.add(4, LINE)
    with open(profile.path, "ab") as file:
        file.write(b"no json\nnor this\n")

    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(profiles, "write_atomically", full)  # what is appended still finds room
        for _ in range(3):
            assert len(profile.load().notices) == 2
    assert profile.load().notices
    assert profile.rejected_path.read_bytes() == b"no json\nnor this\n"


@pytest.mark.parametrize("change", ["relabel", "remove", "put"])
def test_a_change_sets_bad_lines_aside_too(profile, change):
    own = profile.add(4, LINE)
    with open(profile.path, "ab") as file:
        file.write(b"no json\n")
    changes = {
        "relabel": lambda: profile.relabel(own.key, 5),
        "remove": lambda: profile.remove(own.key),
        "put": lambda: profile.put(own, 0),
    }
    changes[change]()
    assert b"no json" not in profile.path.read_bytes()
    assert profile.rejected_path.read_bytes() == b"no json\n"
