"""python tests/robustness/fuzzing.py [READER …] [--inputs N] [--seed S]: hostile input for every
reader.

Each reader gets N made-up inputs: valid files with bytes changed, cut, copied and overwritten,
files that are well-formed and lie, and noise. Input number n of a seed is always the same. A reader
may give an answer or a `DigitpadError` of one line. Anything else, an input that takes longer than
`LONGEST` seconds, or memory that grows by more than `MAX_GROWTH`, is a failure: the command says
which number it was, keeps the input as a file, and ends with status 1.
"""

import argparse
import contextlib
import dataclasses
import faulthandler
import functools
import gzip
import importlib
import io
import json
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
import zipfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np
import pygame

instrumented = contextlib.nullcontext()
if __name__ == "__main__" and any(word.startswith("--atheris") for word in sys.argv):
    try:
        import atheris
    except ImportError:
        sys.exit("fuzzing: --atheris needs atheris; install it with pip install atheris")
    instrumented = atheris.instrument_imports(include=["app", "nn"])

with instrumented:
    from app.drawing.canvas import Canvas
    from app.drawing.drawings import load_drawing, save_drawing
    from app.drawing.pictures import framed_picture
    from app.drawing.strokes import fit, read_nondigits, read_strokes
    from app.my_digits.profile import Profile
    from app.session.networks import network_info
    from nn.data import dataset
    from nn.inference.checkpoint import (
        Checkpoint,
        load_checkpoint,
        save_arrays,
        save_checkpoint,
        summary,
    )
    from nn.inference.classifier import Classifier, load_classifier
    from nn.inference.rejection import Rejection, load_rejection, save_rejection
    from nn.network.architectures import build
    from nn.support.commands import ArgumentParser
    from nn.support.errors import DigitpadError
    from nn.training.callbacks import AverageWeights, BestWeights
    from nn.training.finetuning import fingerprint, load_tuned
    from nn.training.recipe import architecture_of, prepare
    from nn.training.resume import load_state
    from nn.training.settings import new_settings
    from tests.helpers import bombs

LONGEST = 5.0  # seconds of work an input may take; the usual one takes a thousandth
MAX_GROWTH = 512 << 20  # bytes: a picture of 50 megapixels unpacks to 200 MB
ADDRESS_SPACE = 8 << 30  # bytes, of the command's process
MAX_SIGNS = 2000  # in the line that says what is wrong
WARM_UP = 50  # inputs, before memory is measured
COMMANDS = (
    "app.draw app.replay app.predict app.teach app.rejections app.animate nn.train nn.evaluate "
    "nn.compare nn.export nn.handwriting nn.half_drawn nn.lessons nn.train_rejection"
).split()


class Broken(Exception):
    """A reader did what none may do."""


class TooLong(BaseException):
    """An input took longer than `LONGEST`; nothing between here and there may catch it."""


# --- Making inputs -----------------------------------------------------------------------------

NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63)
TEXTS = (
    b"nan", b"-inf", b"1e999", b"-1", b"1e-400", b"9" * 40, b"0x10", b"1_0", b"", b"\xef\xbb\xbf",
    b"\0", b"\n", b"\r", b"\x1a", b"\xff\xfe", b"[" * 3000, b'{"a":' * 2000, b"}", b"]", b",", b'"',
    b"\\ud800", b"\xed\xa0\x80", b"\xd9\xa3", b"9" * 5000, b"true", b"null", b"(", b"'", b"#",
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, -0.0, 0.5, 1e300, -1e12, 1e308, 5e-324,
    float("nan"), float("inf"), "", "\0", "\ud800", "a\nb", "9" * 300, "Linear", "ReLU", "Dropout",
    [], [[]], [0], [1, 2], ["Linear", 784, 10], {}, {"Linear": 1}, {"version": 1}, [[[[[]]]]],
)  # fmt: skip


def mutated(rng, data):
    """Bytes with one to four injuries."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        # Headers lie at the ends, so those are hit more often.
        size = len(data)
        place = rng.choice((rng.randrange(size + 1), rng.randrange(min(size, 64) + 1),
                            size - rng.randrange(min(size, 64) + 1)))  # fmt: skip
        other = rng.randrange(size + 1)
        low, high = sorted((place, other))
        kind = rng.randrange(8)
        if kind == 0 and place < size:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < size:
            data[place] = rng.randrange(256)
        elif kind == 2:
            del data[place:]
        elif kind == 3:
            data[place:place] = rng.choice(TEXTS)
        elif kind == 4:
            data[place:place] = data[low : min(high, low + 4000)]
        elif kind == 5:
            del data[low : min(high, low + rng.choice((1, 4, 400)))]
        elif kind == 6:
            layout = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
            number = rng.choice(NUMBERS) & ((1 << 8 * struct.calcsize(layout)) - 1)
            field = struct.pack(layout, number)
            data[place : place + len(field)] = field
        else:
            data[place : place + 8] = rng.randbytes(rng.randrange(16))
    return bytes(data)


def changed(rng, value):
    """A value of JSON with something in it replaced, removed, doubled or added."""
    if rng.random() < 0.3 or not isinstance(value, (dict, list)) or not value:
        return rng.choice(VALUES)
    if isinstance(value, dict):
        key = rng.choice(list(value))
        kind = rng.randrange(12)
        if kind == 0:
            return {k: v for k, v in value.items() if k != key}
        if kind == 1:
            return {**value, rng.choice(("", "a\nb", "\ud800", "0")): rng.choice(VALUES)}
        return {**value, key: changed(rng, value[key])}
    place = rng.randrange(len(value))
    kind = rng.randrange(8)
    if kind == 0:
        return value[:place] + value[place + 1 :]
    if kind == 1:
        return value[: place + 1] * rng.choice((2, 50))
    return [*value[:place], changed(rng, value[place]), *value[place + 1 :]]


def json_of(value):
    # Surrogates and NaN as Python writes them: not every writer is as strict as the standard.
    return json.dumps(value).encode()


def cases(rng, valid, *lies):
    """An input: mostly one of the `valid` ones mutated or one that a lie makes, else noise."""
    kind = rng.random()
    if kind < 0.03:
        return rng.randbytes(rng.choice((0, 1, 10, 300)))
    if kind < 0.06:
        return rng.choice(valid)
    if kind < 0.1:
        one, other = rng.choice(valid), rng.choice(valid)
        return one[: rng.randrange(len(one) + 1)] + other[rng.randrange(len(other) + 1) :]
    if lies and kind < 0.6:
        made = rng.choice(lies)(rng)
        return mutated(rng, made) if rng.random() < 0.1 else made
    return mutated(rng, rng.choice(valid))


def idx(shape, body):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + body


IDX = [idx((3, 28, 28), bytes(range(196)) * 12), idx((3,), b"\1\2\3"), idx((2, 2), b"abcd")]


def lying_idx(rng):
    dimensions = rng.randrange(5)
    shape = [min(rng.choice(NUMBERS), 2**32 - 1) for _ in range(dimensions)]
    body = rng.choice((b"", b"abc", IDX[0][16:]))
    kind = rng.choice((0, 8, 8, 8, 9, 255))
    return struct.pack(f">BBBB{dimensions}I", 0, 0, kind, dimensions, *shape) + body


def make_idx(rng):
    return cases(rng, IDX, lying_idx)


@functools.cache
def packed(name):
    return [gzip.compress(data, 1, mtime=0) for data in {"idx": IDX, "csv": CSV}[name]]


def make_gzip(rng):
    def repacked(rng):
        kind = rng.choice(("idx", "csv"))
        inner = {"idx": make_idx, "csv": make_csv}[kind](rng)
        return gzip.compress(inner, 1, mtime=0) + rng.choice((b"", b"", b"\x1f\x8b", b"\0" * 9))

    def bomb(rng):
        return rng.choice((bombs.idx_bomb, bombs.blank_lines))(rng.choice((1, 60, 300)))

    return cases(rng, packed("idx") + packed("csv"), *[repacked] * 50, bomb)


CSV = [
    b"label," + b",".join(b"pixel%d" % i for i in range(784)) + b"\n3" + b",7" * 784 + b"\n",
    b"\n".join(b"%d" % i + b",0" * 784 for i in range(2)),
    b"0,255" * 392 + b"\r\n",
]


def odd_csv(rng):
    fields = rng.choice(CSV).split(b",")
    for _ in range(rng.choice((1, 3))):
        fields[rng.randrange(len(fields))] = rng.choice(TEXTS)
    return b",".join(fields)


def make_csv(rng):
    return cases(rng, CSV, odd_csv)


# Networks as small as the format allows: 50 weights instead of thousands.
LAYERS = [["Unflatten", 1, 28, 28], ["MaxPool2d", 14], ["Flatten"], ["Linear", 4, 10]]
CONV = [["Unflatten", 1, 28, 28], ["MaxPool2d", 14], ["Conv2d", 1, 2, 3, 1], ["ReLU"], ["Flatten"],
        ["Dropout", 0.5], ["Linear", 8, 10]]  # fmt: skip


@functools.cache
def members(kind):
    """Header and arrays of valid files of networks, of a state, or of a refusal."""
    folder = Path(tempfile.mkdtemp(prefix="seeds-", dir=scratch_parent()))
    path = folder / "x.npz"
    outputs = 11 if kind == "refusal" else 10
    found = []
    for layers in (LAYERS, CONV):
        layers = [*layers[:-1], ["Linear", layers[-1][1], outputs]]
        model = build(layers, np.random.default_rng(0), outputs=outputs)
        if kind == "refusal":
            save_rejection(path, Rejection(layers, model, 0.5, {}))
        elif kind == "state":
            vector = np.zeros(7960, np.float32)
            arrays = {"parameters": vector, "best_parameters": vector}
            arrays |= {"optimizer.m": vector, "optimizer.v": vector, "optimizer.steps": np.array(3)}
            save_arrays(path, json.loads(json.dumps(STATE)), arrays)
        else:
            record = {"figures": {"test_accuracy": 0.5}, "tuned_from": fingerprint(shipped())}
            save_checkpoint(path, Checkpoint("small", layers, model, record, 1.0, 0.2))
        with zipfile.ZipFile(path) as archive:
            found.append({name: archive.read(name) for name in archive.namelist()})
        found[-1][""] = path.read_bytes()
        path.unlink()
    folder.rmdir()
    return found


EPOCH = {"number": 1, "learning_rate": 0.1, "train_loss": 1.0, "train_accuracy": 0.5,
         "validation_loss": None, "validation_accuracy": None, "seconds": 1.0}  # fmt: skip
STATE = {
    "format": "digitpad training",
    "data_checksum": "0" * 64,
    "settings": {**dataclasses.asdict(new_settings({"model": "tiny"}))},
    "average_steps": 0,
    "history": [EPOCH, {**EPOCH, "number": 2}],
    "best_epoch": 2,
}
SHAPES = ("(", "()", "(10,)", "(4, 10)", "(10, 4)", "(-1, 4)", "(4294967296, 4294967296)", "(0,)",
          "(10L, 4)", "(1e9,)", "((((1,),),),)", "(True,)", "(" * 90 + ")" * 90, "(1,) * 9",
          "(9" + "9" * 5000 + ",)", "(%s)" % ("1," * 70), "('a',)", '("\\d",)')  # fmt: skip
TYPES = ("<f4", ">f4", "<f8", "<f2", "<f16", "<f1", "|O", "<U1", "<c8", "|V4", "<M8[s]", "|i1",
         ">u8", "", "f4,f4", "<f4" * 99, "\\n", "4f4", "|b1", "?")  # fmt: skip


def npy(rng, array_bytes):
    """A .npy file whose header lies about what follows."""
    keys = [
        f"'descr': '{rng.choice((*TYPES, *['<f4'] * 9))}'",
        f"'fortran_order': {rng.choice(('False', 'False', 'False', 'True', '0', 'None'))}",
        f"'shape': {rng.choice((*SHAPES, '(10, 4)', '(10,)'))}",
    ]
    if rng.random() < 0.2:
        keys.append(rng.choice(("'a': 1", "", "'shape': (1,)", "1j", "[" * 200)))
    text = rng.choice(("{%s, }\n", "{%s}", "(%s)", "{%s", "  {%s}", "{%s} #")) % ", ".join(keys)
    version = rng.choice((b"\1\0", b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\0\0"))
    length = rng.choice((len(text.encode()),) * 9 + (0, 65535))
    return b"\x93NUMPY" + version + struct.pack("<H", length) + text.encode() + array_bytes


def make_npz(rng, kind="npz"):
    valid = members(kind)

    def lying(rng):
        content = {name: data for name, data in rng.choice(valid).items() if name}
        header = content["header.npy"]
        value = json.loads(header[header.index(b"\n") + 1 :])
        if rng.random() < 0.7:
            value = changed(rng, value)
            if rng.random() < 0.2:
                value = changed(rng, value)
        text = json_of(value)
        if rng.random() < 0.1:
            text = mutated(rng, text)
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(text, np.uint8))
        content["header.npy"] = buffer.getvalue()
        name = rng.choice(list(content))
        chance = rng.random()
        if chance < 0.1:
            content[name] = mutated(rng, content[name])
        elif chance < 0.25:
            content[name] = npy(rng, content[name][128:])
        elif chance < 0.3:
            del content[name]
        elif chance < 0.35:
            odd = rng.choice((np.nan, np.inf, 3e38, -3e38, 1e11, 1e-45))
            content[name] = content[name][:128] + struct.pack("<f", odd) * (
                len(content[name][128:]) // 4
            )
        packing = rng.choice((zipfile.ZIP_STORED,) * 4 + (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
        buffer = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packing) as archive:
            warnings.simplefilter("ignore")  # that a name comes twice
            for name, data in content.items():
                archive.writestr(name, data)
                if rng.random() < 0.01:
                    archive.writestr(name, data)
        return buffer.getvalue()

    return cases(rng, [content[""] for content in valid], lying)


def make_state(rng):
    return make_npz(rng, "state")


def make_rejection(rng):
    return make_npz(rng, "refusal")


DIGITS = [
    {"label": 3, "strokes": [[[0, 0], [5, 9.5]], [[2, 2]]], "writer": "a", "key": "k"},
    {"label": 0, "strokes": [[[1e3, -1e3], [-1e-3, 4], [7, 7]]], "writer": 7},
]
NONDIGIT = {"label": None, "symbol": "@", "strokes": [[[0, 0], [5, 9.5]]], "alike": False}


def make_strokes(rng):
    def hostile(rng):
        kind = rng.choice((DIGITS, DIGITS, [NONDIGIT]))
        lines = [json_of(changed(rng, rng.choice(kind))) for _ in range(rng.choice((1, 3)))]
        return b"\n".join(lines)

    valid = [json_of(digit) + b"\n" for digit in (*DIGITS, NONDIGIT)]
    valid += [b"".join(valid), gzip.compress(valid[0], mtime=0)]
    return cases(rng, valid, *[hostile] * 20, bombs.any_strokes)


DRAWING = {
    "label": 3,
    "strokes": [[[4.0, 4.0], [20.5, 20.0]]],
    "marks": [["draw", 1.1, [[4.0, 4.0], [20.5, 20.0], [4.0, 20.0]]], ["erase", 2.2, [[5, 5]]]],
}


def make_drawing(rng):
    def hostile(rng):
        return json_of(changed(rng, DRAWING))

    def scrawl(rng):  # many points, far apart
        far = rng.choice((30, 1000, 1e6, 1e300))
        points = [[rng.uniform(-far, far), rng.uniform(-far, far)] for _ in range(100)]
        kind, radius = rng.choice(("draw", "erase")), rng.choice((0.1, 1.1, 6, 28))
        return json_of({**DRAWING, "marks": [*DRAWING["marks"], [kind, radius, points]]})

    digits = [json_of(digit) for digit in DIGITS]
    return cases(rng, [json_of(DRAWING)] * 3 + digits, *[hostile] * 19, scrawl)


@functools.cache
def seed_pictures():
    """Small valid pictures of each kind, with a stroke on them."""
    surface = pygame.Surface((28, 28), depth=24)
    surface.fill((255, 255, 255))
    pygame.draw.line(surface, (0, 0, 0), (8, 4), (18, 24), 3)
    found = []
    for kind in ("png", "jpg", "bmp"):
        buffer = io.BytesIO()
        pygame.image.save(surface, buffer, f"a.{kind}")
        found.append(buffer.getvalue())
    note = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    jpeg = found[1]
    found.append(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + jpeg[2:])
    return found


def lying_png(rng):
    """A PNG whose sums are right and whose sizes, kinds and chunks need not be."""
    data, place, chunks = seed_pictures()[0], 8, []
    while place < len(data):
        length = struct.unpack_from(">I", data, place)[0]
        chunks.append([data[place + 4 : place + 8], data[place + 8 : place + 8 + length]])
        place += 12 + length
    chance = rng.random()
    if chance < 0.5:
        size = [rng.choice((0, 1, 27, 29, 200, 3000, 2**31 - 1)) for _ in "ab"]
        kinds = rng.choice((1, 2, 8, 8, 16, 99)), rng.choice((0, 2, 2, 3, 4, 6, 7)), 0, 0
        chunks[0][1] = struct.pack(">IIBBBBB", *size, *kinds, rng.choice((0, 0, 1)))
    elif chance < 0.8:
        chunk = rng.choice(chunks)
        chunk[1] = mutated(rng, chunk[1])
    else:
        kind = rng.choice((b"tRNS", b"PLTE", b"gAMA", b"iCCP", b"tEXt", b"IEND", b"IHDR"))
        chunks.insert(rng.randrange(len(chunks)), [kind, rng.randbytes(rng.randrange(40))])
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content)) for kind, content in chunks
    )  # fmt: skip
    return data[:8] + body


def make_picture(rng):
    return cases(rng, seed_pictures(), *[lying_png] * 50, bombs.any_picture)


WORDS = (
    "--model --interval --replay --screenshot --size --theme --panel --why --profile --data-dir "
    "--scale --shift --framing --errors --json --most --least-digits --seed --each --refusal "
    "--output --rate --digits --hidden --activation --dropout --epochs --batch-size --schedule "
    "--learning-rate --optimizer --weight-decay --label-smoothing --augment --generated --average "
    "--keep --slant --validation --patience --threads --plot --resume --images --csv --framed "
    "--worst --systems --networks --repeats --batches --profile --onnx --torch-state-dict --help "
    "--written --nondigits --choose --finish -h -- - --s --no-augment -x tiny a all 0 1 1.5 -1"
    " 50,25 960x640"
).split()
ARGUMENTS = (
    "", " ", "\0", "\n", "a\nb", "--a\nb", "\udcff", "\ud800", "\x1b[2J", "99999999999", "1e400",
    "1" + "0" * 30, "9" * 5000, "nan", "-inf", "inf", "1e-400", "0x10", "1_0", "٣", "²", "½", "%s",
    "{}", ",", ",,", "1,", "9," * 200, "nan,nan", "1e9,1", "0x0", "x", "99999999x1", "999x²", "×",
    "/", ".", "..", "~", "a" * 300, "a/" * 3000, "@file", "--epochs=1e400", "--hidden=", "--=",
    "--hidden=10000,10000", "--model=a\nb", "--size=\udcff", "NUL", "con", "*", "--shift", "-0.2,0",
)  # fmt: skip


def make_options(rng):
    words = [rng.choice((*WORDS, *ARGUMENTS)) for _ in range(rng.choice((0, 1, 2, 2, 4, 8)))]
    return json_of([rng.choice(COMMANDS), *words])


# --- Reading them ------------------------------------------------------------------------------


def read_idx(path):
    yield lambda: dataset.read_idx(path)
    good = path.with_name("good")
    for data, pair in ((IDX[1], (path, good)), (IDX[0], (good, path))):
        good.write_bytes(data)
        yield lambda pair=pair: dataset._read_pair(*pair)


def read_gzip(path):
    yield from read_idx(path)
    yield lambda: dataset.read_csv(path)


def read_csv(path):
    def read():
        images, labels = dataset.read_csv(path)
        expect(images.shape == (len(labels), 784) and 0 <= images.min() <= images.max() <= 1)
        expect(0 <= labels.min() <= labels.max() <= 9)

    yield read


def read_csv_images(path):
    def read():
        images, labels = dataset.read_csv_images(path)
        expect(0 <= images.min() <= images.max() <= 1)
        expect(labels is None or len(labels) == len(images))

    yield read


ONE = np.linspace(0, 1, 784, dtype=np.float32).reshape(1, 28, 28)


def use(reader):
    summary(reader.checkpoint)
    network_info(reader)
    expect(abs(reader.probabilities(ONE).sum() - 1) < 1e-3)


def read_npz(path):
    yield lambda: use(Classifier(path, load_checkpoint(path)))


def read_state(path):
    def read():
        state = load_state(training)
        settings = state.settings_with({})
        digits = dataset.Dataset(ONE.reshape(1, -1), np.zeros(1, np.int64))
        settings = dataclasses.replace(settings, generated=0)
        learner = prepare(settings, architecture_of(settings), digits, 1)
        state.restore(learner, BestWeights(), AverageWeights(settings.average))
        expect(sum(epoch.seconds for epoch in learner.history) >= 0)
        learner.fit(1, settings.learning_rate)

    training = path.with_name("x.training.npz")
    path.replace(training)
    yield read


def read_rejection(path):
    yield lambda: expect(np.isfinite(load_rejection(path).rejection_score(ONE)).all())


def read_stroke_file(path):
    def read():
        for digit in read_strokes(path):
            canvas = Canvas()
            canvas.draw_strokes(fit(digit.strokes))
            expect(np.isfinite(canvas.framing().image).all())

    def read_nondigits_of_it():
        expect(all(drawing.strokes for drawing in read_nondigits(path)))

    yield read
    yield read_nondigits_of_it


@functools.cache
def shipped():
    return load_classifier("linear")


def read_profile(path):
    def read():
        profile = Profile(path.with_name("profile"))
        profile.folder.mkdir(exist_ok=True)
        for file in profile.folder.iterdir():
            file.unlink()
        path.replace(profile.path)
        found = profile.load()
        again = profile.load()
        expect(again.digits == found.digits and not again.notices)
        expect(len(found.notices) <= 1000 and all(map(is_one_line, found.notices)))
        if found.digits:
            key = found.digits[0].key
            expect(profile.relabel(key, 5) and profile.load().digits[0].digit.label == 5)
            expect(profile.remove(key) and len(profile.load().digits) == len(found.digits) - 1)

    if path.read_bytes()[:2] == b"PK":
        yield lambda: use(load_tuned(path, shipped())[0])
    else:
        yield read


def make_profile(rng):
    return make_npz(rng) if rng.random() < 0.2 else make_strokes(rng)


def read_picture(path):
    def read():
        image = framed_picture(path)
        expect(image.shape == (28, 28) and 0 <= image.min() <= image.max() <= 1)

    yield read


def read_drawing(path):
    def read():
        canvas = Canvas()
        load_drawing(drawing, canvas)
        expect(np.isfinite(canvas.framing().image).all())
        saved = save_drawing(canvas, path.parent, 3)
        copy = Canvas()
        load_drawing(saved[-1], copy)
        for file in saved:
            file.unlink()
        expect(np.abs(copy.ink - canvas.ink).max() < 0.02)

    drawing = path.with_name("x.jsonl")
    path.replace(drawing)
    yield read


class Parsed(Exception):
    """The options were understood; nothing is to be run."""


def read_options(path):
    """The options of a command, without running it."""
    usual = ArgumentParser.parse_args

    def parse(self, *arguments):
        usual(self, *arguments)
        raise Parsed

    def read():
        command, *arguments = json.loads(path.read_bytes())
        out, err = io.StringIO(), io.StringIO()
        status = 0
        ArgumentParser.parse_args = parse
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                folder = command in ("nn.lessons", "nn.handwriting")
                name = f"{command}.__main__" if folder else command
                importlib.import_module(name).main(arguments)
        except Parsed:
            pass
        except SystemExit as ended:
            status = ended.code
        finally:
            ArgumentParser.parse_args = usual
        said = err.getvalue()
        if status == 2:
            if not (said.endswith("\n") and is_one_line(said[:-1])):
                raise Broken(f"the message is not one line: {said[:300]!r}")
        elif status != 0 or said:
            raise Broken(f"status {status}, and on standard error {said[:300]!r}")

    yield read


READERS = {
    "idx": (make_idx, read_idx),
    "gzip": (make_gzip, read_gzip),
    "csv": (make_csv, read_csv),
    "csv-images": (make_csv, read_csv_images),
    "npz": (make_npz, read_npz),
    "state": (make_state, read_state),
    "refusal": (make_rejection, read_rejection),
    "strokes": (make_strokes, read_stroke_file),
    "profile": (make_profile, read_profile),
    "pictures": (make_picture, read_picture),
    "drawings": (make_drawing, read_drawing),
    "options": (make_options, read_options),
}


# --- Judging -----------------------------------------------------------------------------------


def expect(fact):
    if not fact:
        raise Broken("what was read does not hold together")


def is_one_line(text):
    return 0 < len(text) <= MAX_SIGNS and len(text.splitlines()) == 1 and text.isprintable()


def feed(read, path, data):
    """Hand one input to a reader; returns how often it gave an answer.

    Raises `Broken`, or whatever the reader raised, if it does what none may do.
    """
    path.write_bytes(data)
    answers = 0
    for call in read(path):
        try:
            call()
            answers += 1
        except DigitpadError as error:
            if not is_one_line(str(error).replace(str(path.parent), "")):
                raise Broken(f"the message is not one line: {str(error)[:300]!r}") from error
    return answers


def fuzz(make, read, inputs, seed, folder, first=0):
    """Feed a reader; returns (what went wrong or None, its number, its input, bytes of growth)."""

    def alarm(*_):
        raise TooLong

    before = signal.signal(signal.SIGPROF, alarm)
    path = folder / "input"
    start = growth = 0
    with contextlib.suppress(OSError):  # Linux: forget the peak that others left
        Path("/proc/self/clear_refs").write_text("5")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning is a second line
            for number in range(first, first + inputs):
                data = make(random.Random(f"{seed} {number}"))
                wrong = None
                signal.setitimer(signal.ITIMER_PROF, LONGEST)
                # Neither what waits nor what never comes back to Python would hear the alarm.
                faulthandler.dump_traceback_later(10 * LONGEST, exit=True)
                try:
                    feed(read, path, data)
                except TooLong:
                    wrong = f"it took more than {LONGEST:g} s"
                except Exception as error:
                    wrong = f"{type(error).__name__}: {error}"
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    faulthandler.cancel_dump_traceback_later()
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
                if number - first < WARM_UP:
                    start = peak
                growth = peak - start
                if wrong is None and growth > MAX_GROWTH:
                    wrong = f"memory grew by {growth >> 20} MiB"
                if wrong is not None:
                    return wrong, number, data, growth
    finally:
        signal.signal(signal.SIGPROF, before)
    return None, None, None, growth


def explore(name, seconds, seed):
    """Let atheris (https://github.com/google/atheris) search for inputs that reach new lines.

    It ends the process itself: with status 0, or with the input kept beside the others.
    """
    make, read = READERS[name]
    folder = Path(tempfile.mkdtemp(dir=scratch_parent()))
    (folder / "corpus").mkdir()
    for number in range(300):
        data = make(random.Random(f"{seed} {number}"))
        (folder / "corpus" / str(number)).write_bytes(data)
    kept = Path(tempfile.gettempdir()) / f"fuzzing-{name}-"
    options = {
        "max_total_time": seconds, "timeout": int(LONGEST), "rss_limit_mb": 4096,
        "max_len": 20_000, "artifact_prefix": kept, "seed": seed + 1,
    }  # fmt: skip
    words = ["fuzzing", str(folder / "corpus"), *(f"-{k}={v}" for k, v in options.items())]
    atheris.Setup(words, lambda data: feed(read, folder / "input", data) and None)
    atheris.Fuzz()


def scratch_parent():
    """A folder in memory where there is one: a file is written for every input."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("readers", nargs="*", choices=[[], *READERS], metavar="READER")
    parser.add_argument("--inputs", type=int, default=1000, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number to begin with")
    parser.add_argument(
        "--atheris", type=int, metavar="SECONDS", help="search with atheris instead, one reader"
    )
    options = parser.parse_args()
    if options.atheris:
        if len(options.readers) != 1:
            parser.error("--atheris searches for one reader; name it")
        explore(options.readers[0], options.atheris, options.seed)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    status = 0
    for name in options.readers or READERS:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=scratch_parent()) as folder:
            wrong, number, data, growth = fuzz(
                *READERS[name], options.inputs, options.seed, Path(folder), options.first
            )
        seconds = time.perf_counter() - start
        if wrong is None:
            grown = f"memory grew by {growth / 2**20:.1f} MiB"
            print(f"{name}: {options.inputs:,} inputs in {seconds:.0f} s, {grown}", flush=True)
            continue
        status = 1
        kept = Path(tempfile.gettempdir()) / f"fuzzing-{name}-{options.seed}-{number}"
        kept.write_bytes(data)
        again = f"{name} --seed {options.seed} --first {number} --inputs 1"
        print(f"{name}: {' '.join(wrong.split())[:500]}", flush=True)
        print(
            f"  input {number} is kept in {kept}; again: python tests/robustness/fuzzing.py {again}"
        )
    sys.exit(status)


if __name__ == "__main__":
    main()
