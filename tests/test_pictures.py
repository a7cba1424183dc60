"""Maps and curves: the points, the page in a real browser, PNG and SVG."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from browser import Page
from conftest import COMMAND

from w2vfast.errors import DataError, UsageError
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.pictures import charts
from w2vfast.pictures.layout import place, principal_plane
from w2vfast.pictures.webpage import safe_json, webpage
from w2vfast.pictures.wordmap import make_map
from w2vfast.vocab import Vocab

EVIL = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "{{script}}", "\u2028\u202e\x1b]52;\x07",
    "__proto__", "constructor", "$\\frac{1}{0}$", "&lt;b&gt;", "'\"`${alert(3)}", "日本語", "עברית", "a\tb\nc",
    "x" * 500,
]  # fmt: skip


def model_of(words, dim=6, seed=0):
    """A model with random vectors."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(words), dim)).astype(np.float32)
    return Embeddings(Contents(vectors, Vocab(list(words), np.arange(len(words), 0, -1, dtype=np.int64))))


def test_the_plane_is_that_of_the_largest_variance():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(500, 4)) * (5, 3, 0.1, 0.1)) @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    points = principal_plane(rows.astype(np.float32))
    expected = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    for column in range(2):
        by_hand = expected[0][:, column] * expected[1][column]
        assert np.allclose(points[:, column], by_hand, atol=1e-4) or np.allclose(
            points[:, column], -by_hand, atol=1e-4
        )


@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (5, 1), (4, 2), (30, 7)])
def test_points_lie_in_their_square_whatever_the_shape(shape):
    vectors = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    points = place(vectors)
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()
    assert np.abs(points).max() <= 1 + 1e-9
    assert np.isfinite(place(np.ones(shape, np.float32))).all()


def test_other_methods_name_what_they_need(monkeypatch):
    vectors = np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)
    for method, module in (("tsne", "sklearn.manifold"), ("umap", "umap")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            with pytest.raises(UsageError, match=rf"pip install 'w2vfast\[{method}\]'"):
                place(vectors, method)
        with pytest.raises(UsageError, match="at least 10"):
            place(vectors[:9], method)


@pytest.mark.parametrize(("method", "module"), [("tsne", "sklearn"), ("umap", "umap")])
def test_neighbourhood_methods_keep_groups_together(method, module):
    pytest.importorskip(module)
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 20)
    vectors = (np.eye(3)[truth] + rng.normal(0, 0.05, (60, 3))).astype(np.float32)
    points = place(vectors, method)
    distances = np.linalg.norm(points[:, None] - points, axis=2) + 9 * np.eye(60)
    assert (truth[distances.argmin(axis=1)] == truth).mean() > 0.95


def test_a_map_has_the_neighbours_among_its_words():
    model = model_of([f"w{i}" for i in range(50)])
    ids = list(range(10, 50))
    word_map = make_map(model, ids, n_neighbours=3)
    for i, row in enumerate(word_map.neighbours):
        expected = model.most_similar(f"w{ids[i]}", k=3, among=[f"w{j}" for j in ids])
        assert [word_map.words[j] for j, _ in row] == [word for word, _ in expected]
    assert word_map.counts == list(range(40, 0, -1))
    assert len(set(word_map.classes.tolist())) == 2  # 40 words are too few for more


def test_json_in_a_page_cannot_end_its_block():
    """E5."""
    text = safe_json(EVIL)
    assert not set("<>&") & set(text)
    assert json.loads(text) == EVIL
    assert text.isascii()


def test_a_page_is_whole_and_asks_for_nothing():
    """E5: one file, a policy, no address."""
    page = webpage(make_map(model_of(EVIL + [f"w{i}" for i in range(30)]), range(40), title="<b>{{data}}&"))
    code = re.sub(r'id="data">.*?</script>', "", page)
    assert not re.search(r"(?:src|href|url|import|fetch)\s*[=(]", code)
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page
    assert "alert(1)</script>" not in page
    assert "<title>&lt;b&gt;{{data}}&amp; - map" in page
    assert page.count("<script") == 2


@pytest.fixture
def page(tmp_path):
    """A browser, if there is one."""
    page = Page(tmp_path)
    yield page
    page.close()


def colours_of(picture):
    """How many different colours a PNG has."""
    image = pytest.importorskip("matplotlib.image").imread(io.BytesIO(picture))
    return len(np.unique(image.reshape(-1, image.shape[2]), axis=0))


def text_of(page, name):
    """The text of an element of the page."""
    return page.run(f"document.getElementById({name!r}).textContent")


def test_the_map_in_a_browser(w2v, page, sample_model):
    assert w2v("plot", "-m", sample_model, "-o", "map.html").returncode == 0
    page.open(w2v.folder / "map.html")
    assert text_of(page, "about") == "2,076 words, PCA"
    page.wait("Number(document.getElementById('map').dataset.labels) > 20")
    whole = page.screenshot()
    assert colours_of(whole) > 100
    # search: letters, Enter, the word's neighbours
    page.run("document.getElementById('search').focus()")
    page.type("guit")
    assert page.run("[...document.querySelectorAll('#matches li')].map(x => x.textContent)") == [
        "guitar",
        "guitars",
    ]
    page.key("Enter")
    assert text_of(page, "word") == "guitar"
    shown = page.run("[...document.querySelectorAll('#neighbours bdi')].map(x => x.textContent)")
    assert shown == [word for word, _ in Embeddings.load(sample_model).most_similar("guitar")]
    near = page.screenshot()
    assert near != whole
    # a neighbour is clicked; the panel shows its own
    page.run("document.querySelector('#neighbours button').click()")
    assert text_of(page, "word") == shown[0]
    # its point is in the middle of the map: clicking it elsewhere and there
    box = page.run("(b => [b.x, b.y, b.width, b.height])(document.getElementById('map').getBoundingClientRect())")
    middle = box[0] + box[2] / 2, box[1] + box[3] / 2
    page.key("Escape")
    assert page.run("document.getElementById('panel').hidden")
    page.click(*middle)
    assert text_of(page, "word") == shown[0]
    assert not page.run("document.getElementById('panel').hidden")
    # colours, zoom, dragging change the picture
    before = page.screenshot()
    for action in (
        lambda: page.run("let s = document.getElementById('colour'); s.value = 'ranks';"
                         "s.dispatchEvent(new Event('change'))"),
        lambda: page.mouse("wheel", *middle, deltaX=0, deltaY=-300),
        lambda: (page.mouse("press", *middle), page.mouse("move", middle[0] - 90, middle[1], buttons=1),
                 page.mouse("release", middle[0] - 90, middle[1])),
        lambda: page.prefer("dark"),
        lambda: page.run("document.getElementById('whole').click()"),
    ):  # fmt: skip
        action()
        after = page.screenshot()
        assert after != before
        before = after
    assert page.troubles() == []


def test_hostile_words_do_nothing_in_a_browser(w2v, page):
    """E5."""
    words = EVIL + [f"w{i}" for i in range(30)]
    model_of(words).save(w2v.folder / "m.w2v")
    assert w2v("plot", "-m", "m.w2v").returncode == 0
    page.open(w2v.folder / "map.html")
    page.wait("Number(document.getElementById('map').dataset.labels) > 5")
    for word in EVIL[:2]:
        page.run("document.getElementById('search').focus()")
        page.run("document.getElementById('search').value = ''")
        page.type(word)
        page.key("Enter")
        assert text_of(page, "word") == word
    page.run("document.getElementById('search').focus()")
    page.run("document.getElementById('search').value = ''")
    page.type("no such word")
    assert text_of(page, "matches") == "not on this map"
    assert page.run("document.images.length") == 0
    assert page.run("document.scripts.length") == 2
    assert page.troubles() == []


def test_a_policy_stops_foreign_scripts(w2v, page):
    """The guard can fail: a script that is put into the page does not run, and the browser says so."""
    model_of([f"w{i}" for i in range(20)]).save(w2v.folder / "m.w2v")
    assert w2v("plot", "-m", "m.w2v").returncode == 0
    path = w2v.folder / "map.html"
    path.write_text(path.read_text().replace("</body>", "<script>window.evil = 1</script></body>"))
    page.open(path)
    assert page.run("window.evil") is None
    assert page.troubles() != []


@pytest.mark.parametrize("form", ["png", "svg"])
def test_pictures_are_drawn_and_repeatable(w2v, sample_model, form):
    pytest.importorskip("matplotlib")
    for name in "ab":
        result = w2v("plot", "-m", sample_model, "-o", f"{name}.{form}", "--top", "80")
        assert result.returncode == 0, result.stderr
    one, two = ((w2v.folder / f"{name}.{form}").read_bytes() for name in "ab")
    assert one == two
    assert one.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    if form == "png":
        assert colours_of(one) > 20


def test_labels_do_not_overlap(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    boxes = []
    real = charts._add_labels

    def look(figure, axes, word_map):
        real(figure, axes, word_map)
        boxes.extend(text.get_window_extent().extents for text in axes.texts)

    monkeypatch.setattr(charts, "_add_labels", look)
    words = [f"word{i}" for i in range(300)]
    assert charts.draw_map(make_map(model_of(words), range(300)), tmp_path / "m.png", "png") == ""
    assert 60 < len(boxes) < 300
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[0] > b[2] - 1 or b[0] > a[2] - 1 or a[1] > b[3] - 1 or b[1] > a[3] - 1


def test_hostile_words_in_pictures(tmp_path):
    """Mathematics is not set, control characters are not drawn; missing letters are told once (E11)."""
    pytest.importorskip("matplotlib")
    word_map = make_map(model_of([*EVIL, "\U00013000"]), range(len(EVIL) + 1), title="$\\bad{")
    assert "no installed font" in charts.draw_map(word_map, tmp_path / "m.svg", "svg")
    assert charts.draw_map(word_map, tmp_path / "m.png", "png", color="frequency")
    assert (tmp_path / "m.svg").stat().st_size > 1000


def test_pictures_without_matplotlib(w2v, sample_model):
    """E11."""
    (w2v.folder / "matplotlib.py").write_text("raise ImportError")
    env = {"PYTHONPATH": str(w2v.folder)}
    for args in (["-o", "x.png"], ["loss", "log.jsonl"]):
        result = w2v("plot", "-m", sample_model, *args, env=env)
        assert result.returncode == 2
        assert b"pip install 'w2vfast[plot]'" in result.stderr
    assert w2v("train", sample_model, "--plot-loss", "x.png", env=env).returncode == 2
    assert w2v("plot", "-m", sample_model, env=env).returncode == 0


def test_which_words_are_drawn(w2v, sample_model):
    def words(*args):
        assert w2v("plot", "-m", sample_model, *args, "-o", "m.html").returncode == 0
        data = re.search(r'id="data">(.*?)</script>', (w2v.folder / "m.html").read_text()).group(1)
        return json.loads(data)["words"]

    model = Embeddings.load(sample_model)
    assert words("--top", "7") == list(model.vocab.words[:7])
    near = words("--near", "king", "--top", "5")
    assert sorted(near) == sorted(["king", *(word for word, _ in model.most_similar("king", k=5))])
    (w2v.folder / "list").write_text("queen\nking\nnosuch\n")
    assert sorted(words("--words", "list")) == ["king", "queen"]
    for args in (
        ["--near", "nosuch"], ["--near", "king", "--words", "list"], ["-o", "x.pdf"], ["king"], ["loss"],
        ["loss", "nosuch.jsonl"], ["loss", "list", "-o", "x.html"],
    ):  # fmt: skip
        assert w2v("plot", "-m", sample_model, *args).returncode == 2, args


def test_the_curve_of_a_run(w2v, corpus):
    pytest.importorskip("matplotlib")
    result = w2v("train", "corpus.txt", "--epochs", "3", "--log-json", "log.jsonl", "--plot-loss", "live.svg")
    assert result.returncode == 0, result.stderr
    assert w2v("plot", "loss", "log.jsonl").returncode == 0
    assert (w2v.folder / "loss.svg").read_bytes() == (w2v.folder / "live.svg").read_bytes()
    rows = charts.read_log(w2v.folder / "log.jsonl")
    assert len(rows) == len((w2v.folder / "log.jsonl").read_text().splitlines()) - 1
    for text in (
        "",
        "x",
        "{}",
        '{"tokens": "x"}',
        '{"done": true, "tokens": 1, "loss": 1, "alpha": 1, "epoch": 1}',
    ):
        (w2v.folder / "bad").write_text(text)
        with pytest.raises(DataError):
            charts.read_log(w2v.folder / "bad")


def test_a_map_needs_no_heavy_library(w2v, sample_model):
    light = (
        "import sys; from w2vfast.cli import main\n"
        "try: main(sys.argv[1:])\nfinally: assert not {'numba', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    command = [COMMAND[0], "-c", light, "plot", "-m", str(sample_model), "-o", str(w2v.folder / "m.html")]
    assert subprocess.run(command, capture_output=True).returncode == 0
