import json

import numpy as np
import pytest

from nn import export
from nn.inference.checkpoint import Checkpoint, save_checkpoint
from nn.inference.classifier import PACKAGED_MODELS, Classifier, load_classifier
from nn.inference.onnx_model import to_onnx
from nn.network.architectures import NAMED, build, cnn, mlp
from nn.network.losses import softmax
from nn.support.errors import UsageError


def network(architecture, shear=0.0):
    model = build(architecture, np.random.default_rng(1))
    model.parameters += np.random.default_rng(2).normal(0, 0.01, model.parameters.shape)
    return Checkpoint("small", architecture, model, {}, temperature=0.7, shear=shear)


NETWORKS = {
    "linear": network(mlp()),
    "mlp": network(mlp([9, 8], "Tanh", dropout=0.2)),
    "sigmoid": network(mlp([9], "Sigmoid")),
    "cnn": network(cnn(3, "pool", 4, "pool", hidden=[12], dropout=0.3), shear=0.2),
}
IMAGES = np.random.default_rng(3).random((5, 784), dtype=np.float32)
DRAWINGS = IMAGES.reshape(-1, 1, 28, 28)
SHIPPED = sorted(path.stem for path in PACKAGED_MODELS.glob("*.npz") if "." not in path.stem)
# What else can be made of the layers.
ARCHITECTURES = {
    "cnn-small": NAMED["cnn-small"],
    "without flatten": [["Linear", 784, 9], ["Sigmoid"], ["Linear", 9, 10]],
    "flat after all": [["Flatten"], ["Tanh"], *cnn(3, "pool", dropout=0.3)],
    "conv last": [["Unflatten", 1, 28, 28], ["Conv2d", 1, 10, 28, 0], ["Flatten"]],
    "pool last": [*cnn(10, "pool", "pool")[:-2], ["MaxPool2d", 7], ["Flatten"]],
    "pool first, odd sides": [
        ["Unflatten", 1, 28, 28], ["MaxPool2d", 3], ["Conv2d", 1, 4, 2, 1], ["Sigmoid"],
        ["MaxPool2d", 3], ["Conv2d", 4, 3, 1, 0], ["Tanh"],
        ["Flatten"], ["Linear", 27, 10], ["ReLU"],
    ],
    "images in quarters": [
        ["Unflatten", 4, 14, 14], ["Conv2d", 4, 3, 4, 3], ["ReLU"],
        ["Flatten"], ["Linear", 867, 10],
    ],
    "images of a layer": [
        *mlp([98])[:-1], ["Unflatten", 2, 7, 7], ["Conv2d", 2, 4, 3, 1], ["Flatten"],
        ["Dropout", 0.5], ["Linear", 196, 10],
    ],
}  # fmt: skip
RUNTIMES = {"onnxruntime": "onnxruntime", "reference": "onnx.reference", "opencv": "cv2"}


def reads(runtime, content):
    """A function from images to what the ONNX model gives for them in one of the `RUNTIMES`."""
    module = pytest.importorskip(RUNTIMES[runtime])
    if runtime == "opencv":
        net = module.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))

        def read(images):
            net.setInput(images)
            return net.forward()

        return read
    kind = "InferenceSession" if runtime == "onnxruntime" else "ReferenceEvaluator"
    session = getattr(module, kind)(content)
    return lambda images: session.run(None, {"images": images})[0]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("views", [True, False])
def test_onnx_runtime_gives_the_same_probabilities(name, views):
    pytest.importorskip("onnx")
    checkpoint = NETWORKS[name]
    probabilities = reads("onnxruntime", to_onnx(checkpoint, views))(DRAWINGS)
    as_read = Checkpoint(
        "small", checkpoint.architecture, checkpoint.model, {}, 0.7,
        shear=checkpoint.shear if views else 0.0,
    )  # fmt: skip
    expected = Classifier(None, as_read).probabilities(IMAGES)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", [*SHIPPED, *ARCHITECTURES])
def test_every_runtime_reads_one_image_and_ten_as_the_program_does(name, runtime):
    pytest.importorskip("onnx")
    if name in SHIPPED:
        classifier = load_classifier(name)
    else:
        classifier = Classifier(None, network(ARCHITECTURES[name], shear=1.0))
    images = np.random.default_rng(4).random((10, 1, 28, 28), dtype=np.float32)
    images *= images > 0.8  # about as much ink as in a drawing
    read = reads(runtime, to_onnx(classifier.checkpoint))
    expected = classifier.probabilities(images)
    for count in (1, 10, 1):
        # The logarithms differ as much as the logits do, however sure the network is.
        logarithms = np.log(read(images[:count]))
        np.testing.assert_allclose(logarithms, np.log(expected[:count]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_networks_need_only_operators_that_are_old_and_everywhere(name):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(to_onnx(load_classifier(name).checkpoint))
    assert {node.op_type for node in model.graph.node} <= {
        "Gemm", "Conv", "MaxPool", "Relu", "Flatten", "Transpose", "Add", "Mul", "Softmax",
    }  # fmt: skip
    assert (model.opset_import[0].version, model.ir_version) == (9, 4)


@pytest.mark.parametrize("system", ["torch", "onnxruntime"])
def test_what_reads_in_other_systems_in_a_comparison_reads_the_same(system):
    pytest.importorskip(system)
    from nn.benchmark import frameworks

    checkpoint = NETWORKS["cnn"]
    logits = checkpoint.model.forward(IMAGES)
    if system == "torch":
        np.testing.assert_allclose(
            frameworks.torch_classifier(checkpoint)(IMAGES), logits, atol=1e-5
        )
    else:
        pytest.importorskip("onnx")
        expected = softmax(logits / checkpoint.temperature)
        np.testing.assert_allclose(
            frameworks.onnx_classifier(checkpoint)(IMAGES), expected, atol=1e-5
        )


def test_the_command_writes_a_file_that_onnx_runtime_reads(tmp_path, capsys):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    save_checkpoint(tmp_path / "small.npz", NETWORKS["mlp"])
    target = tmp_path / "small.onnx"
    export.main(["--model", str(tmp_path / "small.npz"), "--onnx", str(target), "--json"])
    assert json.loads(capsys.readouterr().out)["onnx"] == str(target)
    (probabilities,) = runtime.InferenceSession(str(target)).run(None, {"images": DRAWINGS})
    expected = Classifier(None, NETWORKS["mlp"]).probabilities(IMAGES)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_pytorch_takes_the_weights_and_gives_the_same_logits(tmp_path):
    torch = pytest.importorskip("torch")
    from nn.benchmark.frameworks import torch_network

    checkpoint = NETWORKS["cnn"]
    save_checkpoint(tmp_path / "small.npz", checkpoint)
    target = tmp_path / "weights.npz"
    export.main(["--model", str(tmp_path / "small.npz"), "--torch-state-dict", str(target)])
    model = torch_network(checkpoint.architecture).eval()
    with np.load(target) as state:
        model.load_state_dict({key: torch.from_numpy(state[key]) for key in state})
    with torch.no_grad():
        logits = model(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(logits, checkpoint.model.forward(IMAGES), atol=1e-5)


def test_the_state_dict_has_pytorchs_names_and_shapes(tmp_path, capsys):
    save_checkpoint(tmp_path / "small.npz", NETWORKS["mlp"])
    target = tmp_path / "new folder" / "weights.npz"
    export.main(
        ["--model", str(tmp_path / "small.npz"), "--torch-state-dict", str(target), "--json"]
    )
    result = json.loads(capsys.readouterr().out)
    assert result["torch_state_dict"] == str(target)
    with np.load(target) as state:
        shapes = {key: state[key].shape for key in state}
    assert shapes == {
        "1.weight": (9, 784), "1.bias": (9,), "4.weight": (8, 9), "4.bias": (8,),
        "7.weight": (10, 8), "7.bias": (10,),
    }  # fmt: skip


def test_wrong_use_is_said(tmp_path):
    with pytest.raises(UsageError, match="--onnx FILE or --torch-state-dict"):
        export.main([])
    with pytest.raises(UsageError, match=r"cannot write .*choose another place with --onnx"):
        export.main(["--onnx", str(tmp_path)])


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r'pip install -e "\.\[onnx\]"$'):
        to_onnx(NETWORKS["linear"])
