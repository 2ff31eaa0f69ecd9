"""Data files: found in the right order, trusted only when intact, downloaded safely."""

import gzip
import hashlib
import http.server
import threading
import urllib.parse
from collections import Counter

import numpy as np
import pytest
from real_data import data_folder

from pynn.datasets import cache, fashion_mnist, mnist
from pynn.datasets.cache import DamagedFileError, DataFile, DataSet
from pynn.datasets.idx import read_idx

MNIST = data_folder("mnist")
FASHION = data_folder("fashion_mnist")
CONTENT = b"the content of the file" * 1000
FILE = DataFile("data.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, tmp_path):
    """No data of the real machine, no proxy between the test and its server."""
    monkeypatch.setenv("PYNN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYNN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(cache, "_checkout_roots", lambda: [tmp_path / "nowhere"])


@pytest.fixture
def server():
    """A web server on the loopback interface; `answers[path]` is bytes or a status code."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer = self.server.answers.get(urllib.parse.urlparse(self.path).path, 404)
            self.server.requests[self.path] += 1
            if isinstance(answer, int):
                self.send_error(answer)
                return
            body, announced = answer if isinstance(answer, tuple) else (answer, len(answer))
            self.send_response(200)
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.answers = {}
        httpd.requests = Counter()
        httpd.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield httpd
        httpd.shutdown()
        thread.join()


def data_set(*mirrors):
    return DataSet("set", mirrors)


def place(folder, content=CONTENT):
    path = folder / "set" / FILE.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


def test_download_lands_in_the_cache_and_is_not_repeated(server):
    server.answers["/data.gz"] = CONTENT
    source = data_set(server.url + "/")
    path = cache.fetch(source, FILE)
    assert path == cache.cache_folder() / "set" / "data.gz"
    assert path.read_bytes() == CONTENT
    assert cache.fetch(source, FILE) == path
    assert sum(server.requests.values()) == 1
    assert names_in(path.parent) == ["data.gz"]


def test_next_mirror_is_tried(server):
    server.answers["/second/data.gz"] = CONTENT
    path = cache.fetch(data_set(server.url + "/first/", server.url + "/second/"), FILE)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(404, id="not found"),
        pytest.param(500, id="server error"),
        pytest.param(CONTENT[:-1], id="short"),
        pytest.param((CONTENT[:1000], len(CONTENT)), id="connection lost"),
        pytest.param(CONTENT + b"x", id="long"),
        pytest.param(b"x" + CONTENT[1:], id="altered"),
        pytest.param(b"<html>please log in</html>", id="captive portal"),
    ],
)
def test_bad_answer_leaves_nothing_behind(server, answer):
    server.answers["/data.gz"] = answer
    with pytest.raises(FileNotFoundError, match="Put the file") as error:
        cache.fetch(data_set(server.url + "/"), FILE)
    folder = cache.cache_folder() / "set"
    assert str(folder / "data.gz") in str(error.value)
    assert FILE.sha256 in str(error.value)
    assert server.url in str(error.value)
    assert names_in(folder) == []


def test_offline_says_which_file_to_put_where(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        cache.fetch(data_set("http://127.0.0.1:9/"), FILE)
    message = str(error.value)
    assert str(tmp_path / "home" / "datasets" / "set" / "data.gz") in message
    assert "PYNN_DATA" in message
    assert "set/data.gz" in message


@pytest.mark.parametrize("content", [CONTENT[:-100], b"x" + CONTENT[1:], b""])
def test_damaged_cache_is_replaced(server, content):
    place(cache.cache_folder(), content)
    server.answers["/data.gz"] = CONTENT
    with pytest.warns(UserWarning, match="ignoring"):
        path = cache.fetch(data_set(server.url + "/"), FILE)
    assert path.read_bytes() == CONTENT


def test_damaged_cache_offline_is_never_used():
    place(cache.cache_folder(), CONTENT[:-1])
    with (
        pytest.warns(UserWarning, match="ignoring"),
        pytest.raises(FileNotFoundError, match="Put the file"),
    ):
        cache.fetch(data_set("http://127.0.0.1:9/"), FILE)


def test_order_is_cache_then_pynn_data_then_shared(monkeypatch, tmp_path):
    shared = place(tmp_path / "shared" / "data")
    checkout = tmp_path / "checkout"
    (checkout / "csrc").mkdir(parents=True)
    (checkout / "pyproject.toml").touch()
    monkeypatch.setattr(cache, "_checkout_roots", lambda: [checkout])
    assert cache.find(data_set(), FILE) == shared

    monkeypatch.setenv("PYNN_DATA", str(tmp_path / "mine"))
    assert cache.find(data_set(), FILE) == shared  # PYNN_DATA has no such file
    mine = place(tmp_path / "mine")
    assert cache.find(data_set(), FILE) == mine

    cached = place(cache.cache_folder())
    assert cache.find(data_set(), FILE) == cached


def test_a_folder_that_is_no_checkout_has_no_shared_data(monkeypatch, tmp_path):
    place(tmp_path / "shared" / "data")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(cache, "_checkout_roots", lambda: [tmp_path / "elsewhere"])
    assert cache.find(data_set(), FILE) is None


def test_damaged_file_of_the_user_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("PYNN_DATA", str(tmp_path))
    path = place(tmp_path, CONTENT[:100])
    with pytest.raises(DamagedFileError, match=r"expected 23000 bytes; received 100") as error:
        cache.fetch(data_set("http://127.0.0.1:9/"), FILE)
    assert str(path) in str(error.value)
    assert path.read_bytes() == CONTENT[:100]


def test_unwritable_cache_says_what_to_do(monkeypatch, tmp_path, server):
    server.answers["/data.gz"] = CONTENT
    (tmp_path / "file").touch()
    monkeypatch.setenv("PYNN_HOME", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match="Put the file"):
        cache.fetch(data_set(server.url + "/"), FILE)


def test_home_is_the_default(monkeypatch, tmp_path):
    monkeypatch.delenv("PYNN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".pynn" / "datasets"


def idx_bytes(array, kind=8, rank=None):
    rank = array.ndim if rank is None else rank
    header = bytes([0, 0, kind, rank]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


def test_idx_round_trip(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a.gz").write_bytes(idx_bytes(array))
    read = read_idx(tmp_path / "a.gz")
    np.testing.assert_array_equal(read, array)
    read[0, 0, 0] = 9  # the caller owns the array


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        gzip.compress(b""),
        gzip.compress(b"\x00\x00\x08"),
        gzip.compress(b"\x00\x00\x08\x03\x00\x00"),
        idx_bytes(np.zeros((2, 2), np.uint8), kind=13),
        idx_bytes(np.zeros((2, 2), np.uint8))[:-3],
        gzip.compress(b"\x00\x00\x08\x01\xff\xff\xff\xff" + bytes(10)),
        gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x02" + bytes(10)),
    ],
)
def test_idx_rejects_what_is_not_idx(tmp_path, content):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match="expected an idx file"):
        read_idx(tmp_path / "a.gz")


def small_data_set(server, monkeypatch, module):
    """Serve four small idx files in place of the real ones."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, shape, dtype=np.uint8)
        for shape in ((6, 28, 28), (6,), (2, 28, 28), (2,))
    ]
    files = []
    for file, array in zip(module.FILES, arrays, strict=True):
        content = idx_bytes(array)
        server.answers[f"/{file.name}"] = content
        files.append(DataFile(file.name, len(content), hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(module, "FILES", tuple(files))
    monkeypatch.setattr(module, "DATA_SET", DataSet(module.DATA_SET.folder, (server.url + "/",)))
    return arrays


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_load_data_downloads_once(server, monkeypatch, module):
    arrays = small_data_set(server, monkeypatch, module)
    for _ in range(2):
        (x_train, y_train), (x_test, y_test) = module.load_data()
        for loaded, array in zip((x_train, y_train, x_test, y_test), arrays, strict=True):
            np.testing.assert_array_equal(loaded, array)
    assert sum(server.requests.values()) == 4


def test_mnist_at_hand_downloads_nothing(server, monkeypatch):
    small_data_set(server, monkeypatch, mnist)
    assert not mnist.at_hand()
    assert not server.requests
    mnist.load_data()
    assert mnist.at_hand()


def test_mnist_reads_a_keras_copy():
    path = cache.cache_folder() / "mnist.npz"
    path.parent.mkdir(parents=True)
    arrays = {name: np.arange(3) for name in ("x_train", "y_train", "x_test", "y_test")}
    np.savez(path, **arrays)
    assert mnist.at_hand()
    (x_train, _), (_, y_test) = mnist.load_data()
    np.testing.assert_array_equal(x_train, y_test)


def test_mnist_never_unpickles():
    path = cache.cache_folder() / "mnist.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, x_train=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        mnist.load_data()


@pytest.mark.skipif(MNIST is None, reason="needs MNIST in $PYNN_DATA or ../shared/data")
def test_the_published_mnist(monkeypatch):
    monkeypatch.setenv("PYNN_DATA", MNIST)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_train.dtype) == ((60000, 28, 28), np.uint8)
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert round(float(x_train.mean()) / 255, 4) == 0.1307


@pytest.mark.skipif(FASHION is None, reason="needs Fashion-MNIST, as above")
def test_the_published_fashion_mnist(monkeypatch):
    monkeypatch.setenv("PYNN_DATA", FASHION)
    (x_train, y_train), (_, y_test) = fashion_mnist.load_data()
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert y_train[:5].tolist() == [9, 0, 0, 3, 0]
    assert y_test[:5].tolist() == [9, 2, 1, 1, 6]
    assert round(float(x_train.mean()) / 255, 3) == 0.286
