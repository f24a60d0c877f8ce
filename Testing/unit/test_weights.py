"""Published weights: manifest, download with resume and checksum, removal. The server here is on 127.0.0.1."""

import hashlib
import http.server
import json
import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from SAMRegistrationLib import weights
from SAMRegistrationLib.errors import Canceled, InputError, WeightsError
from SAMRegistrationLib.job import Job

CONTENT = np.random.default_rng(5).bytes(3 * 2**20 + 17)


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; what it does wrong is set by the test."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.stops_after = None
        self.ranges = True
        self.silent = threading.Event()
        self.silence = self.spoke = False
        self.requests = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        start = 0
        if self.headers.get("Range") and server.ranges:
            start = int(re.match(r"bytes=(\d+)-", self.headers["Range"]).group(1))
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.silence:
            self.wfile.write(body[:1000])
            self.wfile.flush()
            server.silent.wait(20)
            server.spoke = True
            return
        self.wfile.write(body if server.stops_after is None else body[: server.stops_after])

    def log_message(self, *arguments):
        """Keep the test output clean."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.silent.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def entry(server):
    digest = hashlib.sha256(CONTENT).hexdigest()
    url = f"http://127.0.0.1:{server.server_port}/files/tiny.pth"
    return weights.WeightsFile("tiny", url, digest, len(CONTENT), "CC0-1.0", "ViT-T", "here")


def test_the_manifest_names_every_official_checkpoint_with_checksum_size_and_license():
    shapes = {entry.name: entry.shape for entry in weights.MANIFEST}
    assert shapes == {"sam-vit-b": "ViT-B", "sam-vit-l": "ViT-L", "sam-vit-h": "ViT-H", "medsam-vit-b": "ViT-B"}
    for entry in weights.MANIFEST:
        assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.url.startswith("https://")
        assert entry.file.endswith(".pth")
        assert entry.size > 3e8
        assert entry.license
    assert len({entry.sha256 for entry in weights.MANIFEST}) == len(weights.MANIFEST)


def test_a_download_gives_the_published_file_and_reports_progress(entry, server, tmp_path):
    seen = []
    path = weights.download(entry, tmp_path, Job(progress=lambda fraction, message: seen.append(fraction)))
    assert path == tmp_path / "tiny.pth"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == 1
    assert seen == sorted(seen)
    assert weights.is_installed(entry, tmp_path)
    assert weights.installed_path(entry, tmp_path) == path
    assert not list(tmp_path.glob("*.part"))


def test_the_folder_of_the_weights_need_not_exist(entry, server, tmp_path):
    path = weights.download(entry, tmp_path / "share" / "weights")
    assert path.read_bytes() == CONTENT


def test_a_second_download_asks_the_server_for_nothing(entry, server, tmp_path):
    weights.download(entry, tmp_path)
    weights.download(entry, tmp_path)
    assert len(server.requests) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(entry, server, tmp_path):
    server.stops_after = 2**20 + 5
    with pytest.raises(WeightsError, match="start it again to go on"):
        weights.download(entry, tmp_path)
    assert not weights.is_installed(entry, tmp_path)
    server.stops_after = None
    path = weights.download(entry, tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={2**20 + 5}-"]


def test_a_server_without_ranges_sends_the_whole_file_again(entry, server, tmp_path):
    (tmp_path / "tiny.pth.part").write_bytes(b"something else entirely")
    server.ranges = False
    assert weights.download(entry, tmp_path).read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_never_installed(entry, server, tmp_path):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(WeightsError, match="another file than the published"):
        weights.download(entry, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_on_the_server_gives_one_sentence(entry, server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError, match="check the network and try again"):
        weights.download(entry, tmp_path)


def test_cancel_does_not_wait_for_a_silent_server(entry, server, tmp_path):
    server.silence = True
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Canceled):
        weights.download(entry, tmp_path, Job(canceled=stop.is_set))
    assert not server.spoke
    assert not weights.is_installed(entry, tmp_path)


def test_a_truncated_file_placed_by_hand_is_refused_with_a_sentence(entry, tmp_path):
    (tmp_path / "tiny.pth").write_bytes(CONTENT[:1000])
    with pytest.raises(WeightsError, match="1000 bytes instead of"):
        weights.installed_path(entry, tmp_path)


def test_a_file_of_the_right_size_but_other_content_is_refused(entry, tmp_path):
    (tmp_path / "tiny.pth").write_bytes(bytes(len(CONTENT)))
    with pytest.raises(WeightsError, match="not the published file"):
        weights.installed_path(entry, tmp_path)


def test_a_file_changed_after_its_check_is_checked_again(entry, server, tmp_path):
    path = weights.download(entry, tmp_path)
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsError, match="not the published file"):
        weights.installed_path(entry, tmp_path)


def test_missing_weights_say_how_large_the_download_is(entry, tmp_path):
    with pytest.raises(WeightsError, match="not installed; download them first"):
        weights.installed_path(entry, tmp_path)


def test_remove_leaves_an_empty_folder(entry, server, tmp_path):
    weights.download(entry, tmp_path)
    assert weights.remove(entry, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not weights.remove(entry, tmp_path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="sam-vit-b, sam-vit-l, sam-vit-h, medsam-vit-b"):
        weights.find("sam-vit-x")


def test_a_full_disk_is_noticed_before_the_download(entry, server, tmp_path):
    with pytest.raises(InputError, match="not enough room"):
        weights.download(replace(entry, size=2**60), tmp_path)
    assert server.requests == []


def test_the_folder_can_be_chosen_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMREGISTRATION_WEIGHTS", str(tmp_path / "mine"))
    assert weights.default_folder() == tmp_path / "mine"


def test_the_command_line_lists_downloads_and_removes(entry, server, tmp_path, monkeypatch, capsys):
    import argparse

    from SAMRegistrationLib.cli import weights as command

    monkeypatch.setattr(weights, "MANIFEST", (entry,))
    monkeypatch.setattr(weights, "find", lambda name: entry)
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())

    def call(*arguments):
        options = parser.parse_args(["weights", *arguments, "--folder", str(tmp_path), "--json"])
        options.run(options)
        return json.loads(capsys.readouterr().out)

    assert call("list")["weights"][0]["installed"] is False
    assert call("download", "tiny")["installed"] == [str(tmp_path / "tiny.pth")]
    assert call("list")["weights"][0]["installed"] is True
    assert call("remove", "tiny")["removed"] == ["tiny"]
    assert list(tmp_path.iterdir()) == []
