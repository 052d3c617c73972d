import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn import evaluate
from nn.data.dataset import load_mnist
from nn.inference.checkpoint import (
    Checkpoint,
    find_model,
    load_arrays,
    load_checkpoint,
    save_arrays,
    save_checkpoint,
    summary,
)
from nn.inference.classifier import load_classifier
from nn.network.architectures import NAMED, build
from nn.support.errors import CheckpointError
from tests.helpers.memory import peak_below
from tests.helpers.paths import CASES


def make(name="tiny"):
    model = build(NAMED[name], np.random.default_rng(5))
    record = {"command": "python -m nn.train", "seed": 5}
    return Checkpoint(name, NAMED[name], model, record, temperature=1.25, shear=0.5)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some where" / "tiny.npz"
    save_checkpoint(path, make())
    return path


def message_of(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def rewrite(path, **changes):
    """Replace or add members of an npz, given as bytes or arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, value in changes.items():
        if not isinstance(value, bytes):
            buffer = io.BytesIO()
            np.save(buffer, value)
            value = buffer.getvalue()
        members[f"{name}.npy"] = value
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)


def header_bytes(**header):
    return np.frombuffer(json.dumps(header).encode(), np.uint8)


def test_round_trip(path):
    saved, loaded = make(), load_checkpoint(path)
    assert (loaded.name, loaded.architecture, loaded.record) == (
        "tiny", NAMED["tiny"], saved.record,
    )  # fmt: skip
    assert (loaded.temperature, loaded.shear) == (1.25, 0.5)
    np.testing.assert_array_equal(loaded.model.parameters, saved.model.parameters)
    assert summary(loaded) == "tiny (784-10-10, 7,960 parameters)"


def test_numpy_alone_reads_the_file(path):
    with np.load(path, allow_pickle=False) as file:
        assert file["1.weight"].shape == (10, 784)
        assert "allow_pickle" not in file.files  # NumPy before 2.2 takes an option for an array


def test_a_file_in_which_an_older_numpy_left_an_option_is_read(path):
    expected = load_checkpoint(path).model.parameters
    stray = io.BytesIO()
    np.save(stray, np.array(False))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("allow_pickle.npy", stray.getvalue())
    np.testing.assert_array_equal(load_checkpoint(path).model.parameters, expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
def test_weights_in_any_order_and_precision_are_read(path, dtype, order):
    expected = load_checkpoint(path).model.parameters
    arrays = load_arrays(path)[1]
    rewrite(path, **{key: array.astype(dtype, order=order) for key, array in arrays.items()})
    np.testing.assert_array_equal(load_checkpoint(path).model.parameters, expected)


def test_a_network_in_fortran_order_is_judged_by_the_command(small_mnist, capsys):
    model = CASES / "linear-fortran-order.npz"
    evaluate.main(["--model", str(model), "--data-dir", str(small_mnist), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (result["parameters"], result["images"]) == (7850, 100)
    with np.load(model, allow_pickle=False) as file:
        logits = load_mnist(small_mnist)[1].images @ file["1.weight"].T + file["1.bias"]
    read_as = np.array(result["confusion"]).sum(axis=0)
    assert read_as.tolist() == np.bincount(logits.argmax(axis=1), minlength=10).tolist()


def test_a_reloaded_model_goes_on_learning(path):
    model = load_checkpoint(path).model
    before = model.layers[1].params["weight"].copy()
    model.parameters += 1
    np.testing.assert_array_equal(model.layers[1].params["weight"], before + 1)


def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(path):
    save_checkpoint(path, make())
    assert [file.name for file in path.parent.iterdir()] == ["tiny.npz"]


def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device; make room there"):
        save_checkpoint(path, make())
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["tiny.npz"]


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_truncated(path, keep):
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    assert "expected a whole .npz file" in message_of(path)


def test_not_an_npz(path):
    path.write_text("<html>404</html>")
    assert "expected a whole .npz file" in message_of(path)


def test_missing_and_folder(tmp_path):
    assert "no file" in message_of(tmp_path / "missing.npz")
    assert "Is a directory" in message_of(tmp_path)


def test_newer_version(path):
    rewrite(path, header=header_bytes(version=99, format="digitpad network"))
    assert "format version 99, but this program reads up to 1; update" in message_of(path)


@pytest.mark.parametrize(
    "header",
    [np.zeros(3), header_bytes(version="1"), header_bytes(), np.frombuffer(b"[" * 99999, np.uint8)],
)
def test_header_that_says_nothing(path, header):
    rewrite(path, header=header)
    assert "no header" in message_of(path)


def test_other_kind_of_file(path):
    save_arrays(path, {"format": "digitpad training"}, {})
    assert "received a 'digitpad training' file" in message_of(path)
    save_arrays(path, {"format": "digitpad network", "name": 3}, {})
    assert "lacks the name" in message_of(path)


@pytest.mark.parametrize("key", ["temperature", "slant"])
@pytest.mark.parametrize("value", [-1.0, 1000.0, "1", None])
def test_a_temperature_or_slant_that_is_none(path, key, value):
    header, arrays = load_arrays(path)
    save_arrays(path, {**header, key: value}, arrays)
    assert f"expected a {key} from" in message_of(path)


def test_another_shape(path):
    rewrite(path, **{"1.weight": np.zeros((10, 783), np.float32)})
    assert "do not fit" in message_of(path)


def test_weights_that_are_not_numbers(path):
    rewrite(path, **{"1.weight": np.full((10, 784), np.nan, np.float32)})
    assert "not finite" in message_of(path)


def test_a_pickle_inside_is_not_run(path, tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], object), allow_pickle=True)
    rewrite(path, **{"1.weight": buffer.getvalue()})
    assert "expected plain numbers" in message_of(path)
    rewrite(path, **{"1.weight": pickle.dumps(Evil())})
    assert "expected a whole .npz file" in message_of(path)
    assert not (tmp_path / "owned").exists()


def claiming(shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**62, 4), (-1, 4), (784,)])
def test_absurd_sizes_are_refused_before_memory_is_asked_for(path, shape):
    rewrite(path, **{"1.weight": claiming(shape)})
    assert "claims shape" in message_of(path)


def test_a_zip_bomb_is_refused(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("1.weight.npy", "w") as member,
    ):
        for _ in range(520):
            member.write(bytes(2**20))
    assert "unpacks to more than" in message_of(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_gives_one_line_or_a_whole_network(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "x.npz"
    save_checkpoint(path, make())
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        # The ends of the file, where zip and npy headers lie, are hit most often.
        place = data.draw(
            st.one_of(st.integers(0, 400), st.integers(-600, -1), st.integers(0, len(content) - 1))
        )
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        loaded = load_checkpoint(path)
    except CheckpointError as error:
        message = str(error)
    else:
        message = ""
        assert np.isfinite(loaded.model.parameters).all()
    assert "\n" not in message


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_give_one_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "x.npz"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load_arrays(path)


def test_find_model_by_path_by_name_and_not_at_all(path, monkeypatch, tmp_path):
    assert find_model(path) == path
    assert find_model("mlp").name == "mlp.npz"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    save_checkpoint(tmp_path / "models" / "mlp.npz", make())
    assert load_checkpoint(find_model("mlp")).name == "tiny"  # the user's own comes first
    with pytest.raises(CheckpointError, match=r"no network 'nothing': .* linear, mlp.* nn\.train"):
        find_model("nothing")


def lying_zip(path, packing):
    """An archive with a member that unpacks to 64 MiB and is said to be a small array."""
    with zipfile.ZipFile(path, "w", packing) as archive, archive.open("header.npy", "w") as member:
        member.write(claiming((1000,)))
        for _ in range(64):
            member.write(bytes(2**20))
    size = struct.pack("<I", 64 * 2**20 + 128)
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 4128)))


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_bomb_that_hides_its_size_costs_no_memory(path, packing):
    lying_zip(path, packing)
    assert path.stat().st_size < 2**20
    with peak_below(8 * 2**20):
        assert "expected a whole .npz file" in message_of(path)


def test_a_list_of_too_many_members_costs_no_memory(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number:0600}", b"")
    with peak_below(4 * 2**20):
        assert "expected at most 1,048,576" in message_of(path)


def test_a_file_of_a_terabyte_is_not_read(path):
    os.truncate(path, 2**40)
    with peak_below(2**20):
        assert "larger than 47 MiB" in message_of(path)


@pytest.mark.parametrize(
    "array",
    [
        b"\x93NUMPY\1\0\x10\0" + b"(" * 16,
        b"\x93NUMPY\1\0\xff\xff" + b"[" * 65535,
        b"\x93NUMPY\1\0\x4d\0{'descr': '<f4', 'fortran_order': False, 'shape': (10L, 784), }",
        b"\x93NUMPY\1\0\x3a\0{'descr': '<f1', 'fortran_order': False, 'shape': (10,), }",
        b"\x93NUMPY\1\0\x4d\0{'descr': '<f4', 'fortran_order': False, 'shape': (1" + b"0" * 9999,
        b"\x93NUMPY\2\0",
        b"",
    ],
)
def test_headers_of_arrays_that_numpy_would_not_write(path, array):
    rewrite(path, **{"1.weight": array})
    assert "expected a whole .npz file" in message_of(path)


def test_a_header_too_large_to_be_one(path):
    header = b'{"version": 1, "record": [' + b"[]," * 400_000 + b"[]]}"
    rewrite(path, header=np.frombuffer(header, np.uint8))
    with peak_below(8 * 2**20):
        assert "no header" in message_of(path)


@pytest.mark.parametrize("version", [True, 0, -1, 1.0, float("nan")])
def test_a_version_that_is_none(path, version):
    rewrite(path, header=header_bytes(version=version, format="digitpad network"))
    assert "no header" in message_of(path)


WIDE = [["Linear", 784, 12_000], ["Linear", 12_000, 10]]


@pytest.mark.parametrize(
    ("architecture", "says"),
    [
        (WIDE, "expected 9,540,010 weights, received 7,960"),
        ([["Linear", 784, 10**9], ["Linear", 10**9, 10]], "not a layer"),
        ([["Unflatten", 1, 28, 28], ["Conv2d", 1, 50_000, 1, 0]], "more than 250,000 values"),
        ([["ReLU"]] * 5000, "at most 1,000 layers"),
        ([["Linear", 784, True]], "not a layer"),
        ([["Linear", 784, 10], []], "not a layer"),
        ([["Linear", 784, 10], {"ReLU": 1}], "not a layer"),
        ([[["ReLU"]]], "not a layer"),
        ([["Dropout", float("nan")], ["Linear", 784, 10]], "do not fit"),
        ([["Linear", 784, 10**400]], "not a layer"),
    ],
)
def test_hostile_architectures_cost_no_memory(path, architecture, says):
    header, _ = load_arrays(path)
    header["architecture"] = architecture
    rewrite(path, header=header_bytes(**header))
    with peak_below(2 * 2**20):
        assert says in message_of(path)


@pytest.mark.parametrize("name", ["", "two\nlines", "zero\0", "\ud800", "n" * 1000])
def test_a_name_that_cannot_be_shown(path, name):
    header, arrays = load_arrays(path)
    save_arrays(path, {**header, "name": name}, arrays)
    assert "lacks the name" in message_of(path)


@pytest.mark.parametrize("weight", [1e30, -3e38, np.inf])
def test_weights_that_cannot_be_reckoned_with(path, weight):
    rewrite(path, **{"1.weight": np.full((10, 784), weight, np.float32)})
    assert "some weights are not finite, or beyond" in message_of(path)


def test_weights_too_large_for_float32_are_refused_without_a_warning(path):
    rewrite(path, **{"1.weight": np.full((10, 784), 1e300)})
    assert "some weights are not finite, or beyond" in message_of(path)


def test_the_largest_weights_still_give_probabilities(path):
    header, arrays = load_arrays(path)
    rng = np.random.default_rng(0)
    large = {key: rng.choice([-1e12, 1e12], a.shape).astype("<f4") for key, a in arrays.items()}
    deep = [["Flatten"], ["Linear", 784, 10]] + [["Linear", 10, 10]] * 4
    arrays = {
        f"{i}.{key}": large[f"{1 if i == 1 else 3}.{key}"] for i in range(1, 6)
        for key in ("weight", "bias")
    }  # fmt: skip
    save_arrays(path, {**header, "architecture": deep}, arrays)
    read = load_classifier(path).probabilities(rng.random((5, 28, 28), np.float32))
    np.testing.assert_allclose(read.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["n" * 5000, "a\0b", "two\nlines"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(CheckpointError) as caught:
        find_model(name)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) <= 1000
