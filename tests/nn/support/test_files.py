"""Writing files whole or not at all."""

import os
import stat

import pytest

from app.my_digits.profile import Profile
from nn.support.files import write_atomically


@pytest.fixture
def synced(monkeypatch):
    """What the folder held, each time that it was forced to the disk."""
    found, fsync = [], os.fsync

    def noted(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            found.append(sorted(os.listdir(descriptor)))  # noqa: PTH208
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    return found


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened there")
def test_a_new_name_is_on_the_disk_before_it_counts(tmp_path, synced):
    write_atomically(tmp_path / "network.npz", lambda file: file.write(b"weights"))
    assert synced == [["network.npz"]]


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be opened there")
def test_a_profile_is_on_the_disk_before_it_counts(tmp_path, synced):
    profile = Profile(tmp_path)
    own = profile.add(4, [[(14.0, 4.0), (14.0, 24.0)]])
    assert ["digits.jsonl", "lock"] in synced
    synced.clear()
    profile.relabel(own.key, 5)
    assert synced == [["digits.jsonl", "lock"]]
    profile.tuned_path("cnn").touch()
    synced.clear()
    profile.forget_tuned("cnn")
    assert synced == [["digits.jsonl", "lock"]]
