"""The list of networks to choose from."""

import shutil

from app.session.networks import NetworkList
from nn.inference.classifier import load_classifier


def test_a_network_that_is_opened_again_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "mine.npz"
    shutil.copy(load_classifier("linear").path, path)
    networks = NetworkList(load_classifier("mlp"))
    for _ in range(2):
        again = load_classifier(path)
        networks.add(again)
    assert len(networks.entries) == 2
    assert networks.network is again
