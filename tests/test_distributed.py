"""Training in rounds: plans, shards, resuming, and the same bits from a cluster as from a loop in one process."""

import dataclasses
import io
import itertools
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import SAMPLE
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("fsspec", reason="needs the extra dask")

from w2vfast.corpus.container import load_corpus
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.distributed import prepare, reading, rounds
from w2vfast.distributed.engine import InProcess, Worker
from w2vfast.distributed.manifest import NAME, read_manifest
from w2vfast.distributed.plan import Plan, Shard
from w2vfast.distributed.start import Options, start, train_to_file
from w2vfast.distributed.store import Store, fetch
from w2vfast.errors import (
    ClusterError,
    CorpusError,
    DivergedError,
    FormatError,
    OutOfMemoryError,
    OutputError,
    UsageError,
)
from w2vfast.model.embeddings import Embeddings
from w2vfast.training.config import TrainConfig
from w2vfast.training.continued import Base
from w2vfast.training.monitor import Monitor
from w2vfast.training.run import Keeping
from w2vfast.training.trainer import Trainer


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The beginning of the sample, 400 lines."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    write_lines(path, 400)
    return path


def write_lines(path, n_lines):
    """Write so many lines of the sample."""
    block = b"".join(find_sources(str(SAMPLE))[0].blocks())
    path.write_bytes(b"\n".join(block.split(b"\n")[:n_lines]) + b"\n")


@pytest.fixture
def small_shards(monkeypatch):
    """Several shards for a text as short as that."""
    monkeypatch.setattr(reading, "_LEAST_SHARD_BYTES", 1 << 12)


class Notes(Monitor):
    """Keeps what is said and shown."""

    def __init__(self):
        self.lines, self.progress, self.drawings = [], [], []

    def note(self, text):  # noqa: D102
        self.lines.append(text)

    def trained(self, progress):  # noqa: D102
        self.progress.append(progress)

    def drawn(self, progress):  # noqa: D102
        self.drawings.append(progress)


def train(
    text, store, output, engine=None, monitor=None, keeping=None, *, replicas=3, n_rounds=4, resume=False, **params
):
    """Train in rounds; return the model."""
    params = {"epochs": 2, "threads": 1, "min_count": 2, "dim": 20, **params}
    files = reading.find_files([str(text)], params.get("sentence", "line"))
    options = Options(str(store), replicas, n_rounds, resume=resume)
    config = TrainConfig(**params)
    return train_to_file(
        files, config, monitor or Monitor(), str(output), keeping or Keeping(), options, engine or InProcess()
    )


def same(one, other):
    """Whether two models are equal, bit for bit."""
    pairs = ((one.vectors, other.vectors), (one.context, other.context))
    return list(one.vocab.words) == list(other.vocab.words) and all(a.tobytes() == b.tobytes() for a, b in pairs)


@given(
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=6),
    replicas=st.integers(1, 5),
    n_rounds=st.integers(1, 7),
)
def test_every_token_has_its_replica_and_its_round(sizes, replicas, n_rounds):
    shards = tuple(Shard(f"s{i}", size, "") for i, size in enumerate(sizes))
    plan = Plan("", "", TrainConfig(epochs=2).resolved(), shards, sum(sizes), 100, replicas, n_rounds)
    seen = np.zeros(sum(sizes), int)
    for replica in range(replicas):
        for number in range(n_rounds):
            begin, end = plan.piece(replica, number)
            places = [p for s in plan.spans(begin, end) for p in range(s.first + s.begin, s.first + s.end)]
            assert places == list(range(begin, end))
            seen[places] += 1
    assert (seen == 1).all()
    assert [plan.tokens_before(r) for r in (0, n_rounds, 2 * n_rounds)] == [0, sum(sizes), 2 * sum(sizes)]
    assert plan.alpha_at(plan.total) == pytest.approx(plan.config.min_alpha)
    rows = [plan.rows(block) for block in range(plan.n_blocks)]
    assert [begin for begin, _ in rows] == [0, *(end for _, end in rows[:-1])]
    assert rows[-1][1] == 100


@settings(deadline=None)
@given(st.binary(max_size=300).map(lambda b: b.replace(b"\r", b"\n")), st.lists(st.integers(0, 300), max_size=5))
def test_parts_of_a_file_are_its_lines(tmp_path_factory, content, cuts):
    path = tmp_path_factory.mktemp("f") / "f"
    path.write_bytes(content)
    bounds = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    parts = [reading.Part(str(path), a, b) for a, b in itertools.pairwise(bounds)]
    texts = [io.BufferedReader(reading._Lines(part), 16).read() for part in parts]
    assert b"".join(texts) == content
    assert all(text.endswith(b"\n") for text in [text for text in texts if text][:-1])


def test_counting_and_encoding_in_parts_is_that_of_the_whole(text, tmp_path, small_shards):
    """The same words with the same ids, counts and report; the tokens of all shards are those of the text."""
    options = ReadingOptions(min_count=2, max_vocab=300, keep_words=frozenset({"the"}))
    whole = encode(find_sources(str(text)), options)
    files = reading.find_files([str(text)], "line")
    parts = reading.cut(files, 3)
    assert len(parts) == 6
    counted = reading.merge_counts([reading.count_parts(part, options) for part in parts])
    vocab = reading.choose_vocab(counted, options)
    assert list(vocab.words) == list(whole.vocab.words)
    assert vocab.counts.tolist() == whole.vocab.counts.tolist()
    encoded = [
        reading.encode_shard(part, options, vocab, str(tmp_path), f"shards/{i}.w2vc")
        for i, part in enumerate(parts)
    ]
    shards = [load_corpus(fetch(found.shard.url)) for found in encoded]
    assert np.concatenate([shard.ids for shard in shards]).tolist() == whole.ids.tolist()
    assert sum(found.n_sentences for found in encoded) == whole.n_sentences
    report = reading.total_report([found.report for found in encoded], counted, len(vocab))
    assert dataclasses.replace(report, n_bytes=whole.report.n_bytes) == whole.report


def test_a_table_of_counts_that_is_too_large_forgets_rare_words_and_says_so(monkeypatch, text):
    monkeypatch.setattr(reading, "_MOST_WORDS", 100)
    files = reading.find_files([str(text)], "line")
    parts = [reading.count_parts(part, ReadingOptions()) for part in reading.cut(files, 1)]
    counted = reading.merge_counts([*parts, *parts])
    whole = encode(find_sources(str(text)), ReadingOptions(min_count=1)).vocab
    assert counted.counts.size <= 100
    assert counted.bound > 0
    for word, count in zip(counted.words, counted.counts.tolist(), strict=True):
        true = 2 * int(whole.counts[whole.find([word])[0]])
        assert true - counted.bound <= count <= true


@pytest.mark.parametrize(
    "params",
    [{}, {"model": "cbow"}, {"loss": "hs"}, {"shuffle": True}, {"held_out": 0.1}, {"negatives_per": "pair"}],
)
def test_training_in_rounds_learns_and_repeats_itself(tmp_path, params):
    """The loss falls as it does on one machine, and one thread a replica gives the same bits again."""
    notes, text = Notes(), tmp_path / "text.txt"
    write_lines(text, 4000)
    first = train(text, tmp_path / "a", tmp_path / "a.w2v", monitor=notes, epochs=4, **params)
    second = train(text, tmp_path / "b", tmp_path / "b.w2v", epochs=4, **params)
    assert same(first, second)
    assert not (tmp_path / "a").exists()  # all of it was the run's own
    assert [p.rounds for p in notes.progress[:4]] == ["1/4", "2/4", "3/4", "4/4"]
    assert notes.drawings[0].rounds == "1/4"  # while it goes on
    last = notes.progress[-1]
    assert last.tokens == last.total_tokens
    corpus = encode(find_sources(str(text)), ReadingOptions(min_count=2))
    alone = Trainer(corpus, TrainConfig(**{"epochs": 4, "threads": 1, "dim": 20, **params}).resolved(), Monitor())
    alone.run()
    untrained = alone._untrained_loss
    loss = np.mean([p.loss for p in notes.progress[-4:]])
    assert loss < untrained - 0.5 * (untrained - alone.state.last_loss)
    if "held_out" in params:
        held_out = [p.held_out_loss for p in notes.progress if p.held_out_loss is not None]
        assert len(held_out) == 4
        assert held_out[-1] < untrained
    assert (first.params["replicas"], first.params["rounds"]) == (3, 4)


class Failing(InProcess):
    """An engine that is lost after some pieces of work."""

    def __init__(self, n_left):
        super().__init__()
        self.n_left = n_left

    def submit(self, function, *args):  # noqa: D102
        self.n_left -= 1
        if self.n_left < 0:
            raise ConnectionResetError("lost")
        return super().submit(function, *args)

    def submit_training(self, function, *args):  # noqa: D102
        return self.submit(function, *args, lambda n_tokens: None)


def test_a_run_that_is_lost_anywhere_goes_on_to_the_same_bits(text, tmp_path):
    """At most one round is done again."""
    expected = train(text, tmp_path / "w", tmp_path / "w.w2v")
    work = Failing(10**9)
    train(text, tmp_path / "n", tmp_path / "n.w2v", work)
    total = 10**9 - work.n_left
    for number, n_left in enumerate(range(3, total, 17)):
        store, output, resume, n_lost = tmp_path / f"r{number}", tmp_path / f"r{number}.w2v", False, 0
        while True:
            try:
                model = train(text, store, output, Failing(n_left), resume=resume)
                break
            except ConnectionResetError:
                n_lost += 1
                resume = (store / NAME).exists()
                n_left = max(n_left, 60)
        assert n_lost > 0
        assert same(model, expected)
        assert not store.exists()


def stopped(text, tmp_path, n_left=90, **params):
    """The store of a run that was lost."""
    with pytest.raises(ConnectionResetError):
        train(text, tmp_path / "run", tmp_path / "m.w2v", Failing(n_left), **params)
    return tmp_path / "run"


def test_a_damaged_round_is_noticed_and_the_one_before_is_taken(text, tmp_path):
    expected, store, notes = train(text, tmp_path / "w", tmp_path / "w.w2v"), stopped(text, tmp_path), Notes()
    standing = read_manifest(str(store)).last
    block = store / standing.blocks[1][0]
    block.write_bytes(bytes(block.stat().st_size))
    model = train(text, store, tmp_path / "m.w2v", monitor=notes, resume=True)
    assert "warning: the last round is damaged" in notes.lines
    assert same(model, expected)


def test_what_is_damaged_beyond_repair_is_refused(text, tmp_path):
    store = stopped(text, tmp_path)
    for block in store.glob("round-*/*.f32"):
        block.write_bytes(block.read_bytes()[:-4])
    with pytest.raises(FormatError, match="damaged"):
        train(text, store, tmp_path / "m.w2v", resume=True)
    for content in (b"", b"{}", b"[1", json.dumps({"format": "w2vfast-run", "format_version": 9}).encode()):
        (store / NAME).write_bytes(content)
        with pytest.raises(FormatError):
            train(text, store, tmp_path / "m.w2v", resume=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"replicas": 2}, "--replicas 2 .was 3"), ({"n_rounds": 5}, "--rounds 5 .was 4")],
)
def test_a_resumed_run_has_the_options_that_it_was_begun_with(text, tmp_path, changed, message):
    with pytest.raises(UsageError, match=message):
        train(text, stopped(text, tmp_path), tmp_path / "m.w2v", resume=True, **changed)


def test_resuming_needs_the_same_text_base_and_parameters(text, tmp_path):
    store, other = stopped(text, tmp_path), tmp_path / "other.txt"
    other.write_bytes(text.read_bytes())
    with pytest.raises(UsageError, match=r"begun with text\.txt"):
        train(other, store, tmp_path / "m.w2v", resume=True)
    with pytest.raises(UsageError, match="holds a run; --resume"):
        train(text, store, tmp_path / "m.w2v")
    with pytest.raises(UsageError, match="no run in"):
        train(text, tmp_path / "nothing", tmp_path / "m.w2v", resume=True)
    base = Base(train(text, tmp_path / "w", tmp_path / "w.w2v"), "w")
    with pytest.raises(UsageError, match="went on from no model"):
        train(text, store, tmp_path / "m.w2v", resume=True, keeping=Keeping(base=base))
    files = reading.find_files([str(text)], "line")
    options = Options(str(store), given={"dim": 30}, resume=True)
    with pytest.raises(UsageError, match=r"--dim 30 .was 20"):
        start(files, TrainConfig(), Monitor(), Keeping(), options, InProcess())


def test_a_model_is_gone_on_from_and_its_words_can_be_frozen(text, tmp_path):
    base = train(text, tmp_path / "w", tmp_path / "w.w2v")
    keeping = Keeping(base=Base(base, "w"), frozen=frozenset(["the", "of"]))
    model = train(text, tmp_path / "v", tmp_path / "v.w2v", keeping=keeping)
    for word in ("the", "of"):
        assert (model[word] == base[word]).all()
    assert (model["and"] != base["and"]).any()


def test_a_folder_with_files_of_others_is_left_alone(text, tmp_path):
    """Their files were deleted with the run's when it had ended, or could not begin."""
    place = tmp_path / "data"
    (place / "shards").mkdir(parents=True)
    (place / "shards" / "a.txt").write_text("mine")
    with pytest.raises(UsageError, match="has files in it, such as shards"):
        train(text, place, tmp_path / "m.w2v")
    assert [path.name for path in place.rglob("*")] == ["shards", "a.txt"]
    store = tmp_path / "broken-off"  # killed before its first manifest
    store.mkdir()
    train(text, store, tmp_path / "m.w2v")
    assert not store.exists()
    (store / "shards").mkdir(parents=True)
    (store / "shards" / "00000.w2vc").write_bytes(b"half")
    (store / "w2vfast-run").write_text('""')
    train(text, store, tmp_path / "m.w2v")
    assert not store.exists()


def test_too_little_held_out_is_found_before_any_round(tmp_path):
    (tmp_path / "t.txt").write_text("one two three\n" * 99 + "one\n" * 3)
    with pytest.raises(CorpusError, match="too little text is held out"):
        train(tmp_path / "t.txt", tmp_path / "r", tmp_path / "m.w2v", held_out=0.01, sample=0.0)
    assert read_manifest(str(tmp_path / "r")).last.n_rounds == 0


def test_replicas_that_never_agree_lose_the_cluster(text, tmp_path, monkeypatch):
    monkeypatch.setattr("w2vfast.distributed.run._MOST_MERGES", 0)
    with pytest.raises(ClusterError, match="come and go too quickly"):
        train(text, tmp_path / "r", tmp_path / "m.w2v")


def test_threads_of_a_replica_do_not_share_a_handful_of_words(tmp_path):
    """They would overwrite each other's steps; one thread gives the same bits each time."""
    (tmp_path / "t.txt").write_text("one two three four five\n" * 300)
    options = {"threads": 3, "min_count": 1, "sample": 0.0}
    models = [train(tmp_path / "t.txt", tmp_path / "r", tmp_path / "m.w2v", **options) for _ in range(2)]
    assert same(*models)


@pytest.mark.parametrize(("began", "goes_on"), [(("the", "of"), ()), (("the",), ("of",)), ((), ("the",))])
def test_a_resumed_run_keeps_the_same_words(text, tmp_path, began, goes_on):
    """Others were ignored, or trained without a word."""
    base = Base(train(text, tmp_path / "w", tmp_path / "w.w2v"), "w")
    store = stopped(text, tmp_path, keeping=Keeping(base=base, frozen=frozenset(began)))
    other = Keeping(base=base, frozen=frozenset(goes_on))
    with pytest.raises(UsageError, match=r"words that keep their vectors: .*--freeze"):
        train(text, store, tmp_path / "m.w2v", resume=True, keeping=other)
    train(text, store, tmp_path / "m.w2v", resume=True, keeping=Keeping(base=base, frozen=frozenset(began)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "softmax"}, "cannot train the full softmax"),
        ({"deterministic": True}, "for one machine"),
        ({"replicas": 8}, "up to 4"),
    ],
)
def test_what_cannot_be_trained_in_rounds_is_refused(text, tmp_path, params, message):
    with pytest.raises(UsageError, match=message):
        train(text, tmp_path / "r", tmp_path / "m.w2v", **params)


def test_more_replicas_are_trained_if_that_is_forced(text, tmp_path):
    model = train(text, tmp_path / "r", tmp_path / "m.w2v", replicas=8, keeping=Keeping(force=True))
    assert model.params["replicas"] == 8
    assert np.isfinite(model.vectors).all()
    assert not same(model, train(text, tmp_path / "r", tmp_path / "m.w2v", replicas=4))


def test_learning_rate_and_momentum_are_told(text, tmp_path):
    notes = Notes()
    train(text, tmp_path / "r", tmp_path / "m.w2v", monitor=notes, replicas=4, alpha=0.02)
    assert any(line.endswith("learning rate 0.02, momentum 0.25") for line in notes.lines)
    alone = Notes()
    train(text, tmp_path / "r", tmp_path / "m.w2v", monitor=alone, replicas=1)
    assert any(line.endswith("learning rate 0.05") for line in alone.lines)


def test_momentum_goes_on_in_the_direction_of_the_round_before(text, tmp_path):
    """x_r = merged + momentum (x_{r-1} - x_{r-2})."""
    store = stopped(text, tmp_path)
    standing, plan = read_manifest(str(store)).last, read_manifest(str(store)).plan
    names = standing.before[1][0], standing.blocks[1][0]
    older, old = (rounds._read_block(plan, 1, name) for name in names)
    stats, outcome = rounds.Stats(1.0, 1, 10, ""), old.copy()
    merged = rounds.merge_block(plan, 99, 1, names, [stats] * 3, [outcome] * 3)
    assert plan.momentum > 0
    assert (old != older).any()
    expected = old + np.float32(plan.momentum) * (old - older)
    np.testing.assert_array_equal(rounds._read_block(plan, 1, merged.name), expected)


def test_a_diverging_run_stops_and_leaves_no_model(text, tmp_path):
    with pytest.raises(DivergedError, match="--alpha 1000"):
        train(text, tmp_path / "r", tmp_path / "m.w2v", alpha=1000.0)
    assert not (tmp_path / "m.w2v").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "has no words"), (b"\n\n", "0 words"), (b"a b\n", "0 words"), (b"a\na\nb\nb\n", "no line has two")],
)
def test_text_without_contexts_is_refused(tmp_path, content, message):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        train(tmp_path / "t.txt", tmp_path / "r", tmp_path / "m.w2v")


def test_a_store_that_a_worker_does_not_see_is_refused(text, tmp_path):
    class Blind(InProcess):
        def on_each(self, function, *args):
            return {"tcp://far:1": None} if function.__name__ == "_probe" else super().on_each(function, *args)

    with pytest.raises(UsageError, match="tcp://far:1 does not see"):
        train(text, tmp_path / "r", tmp_path / "m.w2v", Blind())


def test_workers_of_other_versions_or_without_memory_are_refused(text, tmp_path):
    class Old(InProcess):
        def __init__(self, **changes):
            super().__init__()
            self.changes = changes

        def on_each(self, function, *args):
            found = super().on_each(function, *args)
            return {
                n: dataclasses.replace(w, **self.changes) if hasattr(w, "cpu") else w for n, w in found.items()
            }

    with pytest.raises(UsageError, match=r"w2vfast 0\.0\.1"):
        train(text, tmp_path / "r", tmp_path / "m.w2v", Old(versions={"w2vfast": "0.0.1"}))
    with pytest.raises(OutOfMemoryError, match=r"has 1\.00 kB of memory, a replica needs"):
        train(text, tmp_path / "s", tmp_path / "m.w2v", Old(memory_bytes=1000))


def test_workers_of_one_machine_share_its_memory():
    workers = {
        f"w{i}": Worker(host, 2, memory, {}, "cpu")
        for i, (host, memory) in enumerate([*3 * [("a", 12)], ("b", 8)])
    } | {"w4": Worker("c", 2, None, {}, "cpu")}
    assert prepare.memory_for(workers, 4) == {"w0": 4, "w1": 4, "w2": 4, "w3": 8}
    assert prepare.memory_for(workers, 2) == {"w0": 6, "w1": 6, "w2": 6, "w3": 8}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # fsspec leaves a file open
def test_a_store_behind_a_url(text, tmp_path):
    """Whole files by one PUT; shards are copied before they are mapped."""
    expected = train(text, tmp_path / "w", tmp_path / "w.w2v")
    assert same(train(text, "memory://bucket/run", tmp_path / "m.w2v"), expected)
    assert Store("memory://bucket/run").get_json(NAME) is None


def test_an_encoded_corpus_is_the_only_shard(text, tmp_path):
    from w2vfast.corpus.container import save_corpus
    from w2vfast.system.staging import Staging

    with Staging(tmp_path / "c.w2vc") as staging:
        save_corpus(encode(find_sources(str(text)), ReadingOptions(min_count=2)), staging)
    model = train(tmp_path / "c.w2vc", tmp_path / "r", tmp_path / "m.w2v")
    assert model.contents.corpus["names"] == ["c.w2vc"]
    assert (tmp_path / "c.w2vc").exists()
    assert same(train(tmp_path / "c.w2vc", tmp_path / "r", tmp_path / "m.w2v"), model)


def test_a_corpus_that_is_replaced_is_noticed_and_never_mixed_up(text, tmp_path):
    """By a run that goes on, and by workers that have seen the older one."""
    from w2vfast.corpus.container import save_corpus
    from w2vfast.system.staging import Staging

    def encode_to(min_count):
        with Staging(tmp_path / "c.w2vc") as staging:
            save_corpus(encode(find_sources(str(text)), ReadingOptions(min_count=min_count)), staging)

    encode_to(2)
    stopped(tmp_path / "c.w2vc", tmp_path)
    encode_to(4)
    rounds.open_shard.cache_clear()  # as in a new process; one that has the older file mapped goes on with that
    with pytest.raises(FormatError, match="has changed since the run was begun"):
        train(tmp_path / "c.w2vc", tmp_path / "run", tmp_path / "m.w2v", resume=True)
    model = train(tmp_path / "c.w2vc", tmp_path / "other", tmp_path / "m.w2v")
    assert len(model) == len(encode(find_sources(str(text)), ReadingOptions(min_count=4)).vocab)


def test_merging_one_replica_changes_nothing_but_rounding(text, tmp_path):
    alone = []

    class Listening(InProcess):
        def submit_training(self, function, *args):
            result = super().submit_training(function, *args)
            alone.append(self.get([result])[0].model.copy())
            return result

    one = train(text, tmp_path / "r", tmp_path / "m.w2v", Listening(), replicas=1, n_rounds=1, epochs=1)
    (whole,) = alone
    for merged, trained in zip((one.vectors, one.context), whole, strict=True):
        np.testing.assert_allclose(merged, trained[:, : one.dim], rtol=1e-5, atol=1e-7)
    assert Embeddings.load(tmp_path / "m.w2v").vectors.tobytes() == one.vectors.tobytes()


def test_without_workers_nothing_of_dask_is_imported(text, tmp_path):
    code = (
        "import sys; from w2vfast.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([m for m in ('dask', 'distributed', 'fsspec') if m in sys.modules], file=sys.stderr)"
    )
    command = [
        sys.executable,
        "-c",
        code,
        "train",
        str(text),
        "-q",
        "--epochs",
        "1",
        "-o",
        str(tmp_path / "m.w2v"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stderr.strip() == "[]"


def test_block_names_carry_their_checksums(text, tmp_path):
    store = stopped(text, tmp_path)
    for name, crc in read_manifest(str(store)).last.blocks:
        assert crc in name
        assert rounds.crc_of(np.fromfile(store / name, np.uint8)) == crc


class Late(InProcess):
    """The first attempt at the second replica of a round never ends."""

    def __init__(self):
        super().__init__()
        self.asked, self.late = set(), []

    def submit_training(self, function, *args):  # noqa: D102
        _, number, replica, _ = args
        if replica == 1 and number not in self.asked:
            self.asked.add(number)
            self.late.append(object())
            return self.late[-1]
        return super().submit_training(function, *args)

    def wait(self, results, seconds):  # noqa: D102
        return [result for result in results if not any(result is late for late in self.late)]


def test_a_straggler_gets_help(text, tmp_path, monkeypatch):
    """Another attempt is made after a while, and the first to end counts."""
    monkeypatch.setattr("w2vfast.distributed.run._LEAST_STRAGGLE_SECONDS", 0.02)
    expected, late = train(text, tmp_path / "w", tmp_path / "w.w2v"), Late()
    assert same(train(text, tmp_path / "r", tmp_path / "m.w2v", late), expected)
    assert len(late.late) == 8


def test_blocks_of_different_attempts_are_merged_again(text, tmp_path, monkeypatch):
    """Threads make two attempts at one replica differ; a model must not be made of both."""
    seen, merge = [], rounds.merge_block

    def torn(*args):
        block = merge(*args)
        seen.append(block)
        return dataclasses.replace(block, attempts=("lost",)) if len(seen) == 2 else block

    monkeypatch.setattr(rounds, "merge_block", torn)
    train(text, tmp_path / "r", tmp_path / "m.w2v", threads=2)
    assert len(seen) == 8 * 3 + 3


def test_workers_of_one_machine_share_its_processors():
    from w2vfast.distributed.engine import Worker

    def worker(host, n_cpus):
        return Worker(host, n_cpus, None, {}, "cpu")

    assert prepare.threads_for({"a": worker("x", 8), "b": worker("x", 8), "c": worker("y", 6)}) == 4
    assert prepare.threads_for({str(i): worker("x", 2) for i in range(3)}) == 1


def test_a_lost_disk_ends_the_run_with_its_name(text, tmp_path):
    class Losing(Notes):
        def trained(self, progress):
            shutil.rmtree(tmp_path / "r")

    with pytest.raises((FormatError, OutputError), match=r"cannot (read|write) .*/r/"):
        train(text, tmp_path / "r", tmp_path / "m.w2v", monitor=Losing())
    assert not (tmp_path / "m.w2v").exists()


def test_a_run_that_cannot_begin_leaves_nothing(text, tmp_path):
    for n_left in (0, 1, 2):
        with pytest.raises(ConnectionResetError):
            train(text, tmp_path / "r", tmp_path / "m.w2v", Failing(n_left))
        assert not (tmp_path / "r").exists()
    assert not list(tmp_path.iterdir())


def test_a_cluster_without_workers_is_told(text, tmp_path, monkeypatch):
    """The run waits for new ones."""
    monkeypatch.setattr("w2vfast.distributed.run._QUIET_SECONDS", 0.0)

    class Deserted(InProcess):
        n_waits = 0

        def wait(self, results, seconds):
            Deserted.n_waits += 1
            return [] if 10 < Deserted.n_waits < 14 else results

        def on_each(self, function, *args):
            return {} if 10 < Deserted.n_waits < 14 else super().on_each(function, *args)

    notes = Notes()
    model = train(text, tmp_path / "r", tmp_path / "m.w2v", Deserted(), notes)
    assert "no worker answers; waiting for one" in notes.lines
    assert same(model, train(text, tmp_path / "w", tmp_path / "w.w2v"))
