"""What trains hierarchical and full softmax, and the options of all objectives, against their plain forms."""

import io
import itertools
import weakref

import numpy as np
import pytest
from conftest import QUESTIONS, SAMPLE, small_matrices
from test_gradients import padded

import w2vfast
from w2vfast import objectives
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import Source
from w2vfast.errors import UsageError
from w2vfast.kernels import sampling
from w2vfast.kernels.arguments import Model
from w2vfast.training import shuffling
from w2vfast.training.config import TrainConfig
from w2vfast.training.matrices import initial_model
from w2vfast.training.monitor import Monitor
from w2vfast.training.softmax import Softmax
from w2vfast.training.tables import tree_paths, untrained_loss
from w2vfast.training.trainer import Trainer

TEXT = "a b c d e f g a b c a b a\nb a c\n" * 3


def trainer_of(text=TEXT, **params):
    """A trainer whose matrices are random and whose windows are whole."""
    corpus = encode([Source(io.BytesIO(text.encode()))], ReadingOptions(min_count=1))
    options = {
        "sample": 0.0,
        "threads": 1,
        "dim": 5,
        "epochs": 1,
        "context_weight": "equal",
        "min_count": 1,
        **params,
    }
    trainer = Trainer(corpus, TrainConfig(**options).resolved(), Monitor())
    for matrix, start in zip(trainer.model, small_matrices(len(corpus.vocab), options["dim"]), strict=True):
        matrix[:, : options["dim"]] = start
    return trainer


def windows_of(trainer, window):
    """The windows of a text whose tokens all survive: (center, contexts)."""
    ids, offsets = trainer.corpus.ids, trainer.corpus.offsets
    for first, end in itertools.pairwise(offsets):
        for i in range(first, end):
            contexts = [int(ids[j]) for j in range(max(first, i - window), min(end, i + window + 1)) if j != i]
            if contexts:
                yield int(ids[i]), contexts


def plain_window(trainer, W, W_out, center, contexts, objective):
    """Loss and gradients of a window as the configuration asks for them."""
    if trainer.config.model == "cbow":
        power = {"mean": 1.0, "sqrt": 0.5, "classic": 0.0}[trainer.config.cbow_grad]
        return objectives.cbow(W, W_out, center, contexts, objective, power)
    return objectives.skip_gram(W, W_out, center, contexts, objective, trainer.config.direction)


def check_trained(trainer, objective, *, in_turn, window=2):
    """Train one epoch at a constant rate; the matrices must be those of plain gradient steps."""
    dim = trainer.config.dim
    W, W_out = (matrix[:, :dim].astype(np.float64) for matrix in trainer.model)
    trainer.run()
    loss, batch = 0.0, (np.zeros_like(W), np.zeros_like(W_out))
    for center, contexts in windows_of(trainer, window):
        part, *gradients = plain_window(trainer, W, W_out, center, contexts, objective)
        loss += part
        for total, gradient in zip(batch, gradients, strict=True):
            total += gradient
        if in_turn:
            for matrix, total in zip((W, W_out), batch, strict=True):
                matrix -= trainer.config.alpha * total
                total[:] = 0
    W -= trainer.config.alpha * batch[0]
    W_out -= trainer.config.alpha * batch[1]
    for trained, want in zip(trainer.model, (W, W_out), strict=True):
        np.testing.assert_allclose(trained[:, :dim], want, atol=4e-3 if in_turn else 2e-6)
        assert (trained[:, dim:] == 0).all()
    return loss


@pytest.mark.parametrize("params", [
    {"model": "sg"}, {"model": "sg", "direction": "to-contexts"},
    *[{"model": "cbow", "cbow_grad": grad} for grad in ("mean", "sqrt", "classic")],
])  # fmt: skip
def test_the_full_softmax_steps_along_its_exact_gradient(params, monkeypatch):
    """001 (1)-(22), a minibatch: all windows of the text with the vectors from before."""
    trainer = trainer_of(loss="softmax", window=2, alpha=0.1, min_alpha=0.1, **params)
    n_windows = len(list(windows_of(trainer, 2)))
    assert n_windows < 64
    loss = check_trained(trainer, objectives.softmax, in_turn=False)
    n_predictions = trainer.state.n_pairs
    assert trainer.state.last_loss == pytest.approx(loss / n_predictions, rel=1e-5)
    assert n_predictions == (n_windows if params["model"] == "cbow" else sum(
        len(contexts) for _, contexts in windows_of(trainer, 2)))  # fmt: skip


@pytest.mark.parametrize("params", [
    {"model": "sg"}, {"model": "sg", "direction": "to-contexts"}, {"model": "cbow", "cbow_grad": "mean"},
    {"model": "cbow", "cbow_grad": "classic"}, {"model": "sg", "dim": 17},
])  # fmt: skip
def test_the_tree_s_kernels_step_along_their_gradient(params):
    """Hierarchical softmax, window after window, within the error of the table of sigma."""
    trainer = trainer_of(loss="hs", window=2, alpha=0.02, min_alpha=0.02, **params)
    nodes, labels, offsets = tree_paths(trainer.corpus.vocab.counts)

    def objective(h, W_out, word):
        path = slice(*offsets[word : word + 2])
        return objectives.hierarchical_softmax(h, W_out, nodes[path], labels[path])

    if params.get("direction") == "to-contexts":
        check_in_pairs(trainer, objective)
    else:
        check_trained(trainer, objective, in_turn=True)


def check_in_pairs(trainer, objective):
    """As check_trained, a step after each pair."""
    dim = trainer.config.dim
    W, W_out = (matrix[:, :dim].astype(np.float64) for matrix in trainer.model)
    trainer.run()
    for center, contexts in windows_of(trainer, 2):
        for context in contexts:
            _, by_W, by_out = objectives.skip_gram(
                W, W_out, center, [context], objective, trainer.config.direction
            )
            W -= trainer.config.alpha * by_W
            W_out -= trainer.config.alpha * by_out
    np.testing.assert_allclose(trainer.model.W[:, :dim], W, atol=2e-3)
    np.testing.assert_allclose(trainer.model.W_out[:, :dim], W_out, atol=2e-3)


def test_the_center_predicts_its_contexts():
    """001 (29)-(34) as written; with two words in all, the noise word is always the other one."""
    trainer = trainer_of("a b a a b\n" * 5, direction="to-contexts", window=1, neg=1, alpha=0.02, min_alpha=0.02)
    W, W_out = (matrix[:, :5].astype(np.float64) for matrix in trainer.model)
    trainer._settings = trainer._settings._replace(n_redraws=50)  # until the other word comes
    trainer.run()
    for center, contexts in windows_of(trainer, 1):
        for context in contexts:
            _, by_W, by_out = objectives.skip_gram(
                W, W_out, center, [context],
                lambda h, U, word: objectives.negative_sampling(h, U, word, [1 - word]), "to-contexts",
            )  # fmt: skip
            W -= 0.02 * by_W
            W_out -= 0.02 * by_out
    np.testing.assert_allclose(trainer.model.W[:, :5], W, atol=2e-3)
    np.testing.assert_allclose(trainer.model.W_out[:, :5], W_out, atol=2e-3)


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("model", ["sg", "cbow"])
def test_untrained_losses(loss, model):
    """While W_out is 0, the mean loss of a prediction is known."""
    trainer = trainer_of(loss=loss, model=model, alpha=1e-9, min_alpha=0.0, window=2)
    trainer.model.W_out[:] = 0
    trainer._held_out = None
    trainer.run()
    want = untrained_loss(trainer.config, trainer.corpus.vocab.counts)
    if loss == "hs":  # a path's length x ln 2: some paths only are those of the windows that are measured
        lengths = np.diff(trainer.tables.path_offsets)
        assert lengths.min() * np.log(2) * 0.999 < want < lengths.max() * np.log(2) * 1.001
        assert lengths.min() * np.log(2) * 0.999 < trainer.state.last_loss < lengths.max() * np.log(2) * 1.001
    else:
        assert trainer.state.last_loss == pytest.approx(want, rel=1e-3)
    assert untrained_loss(TrainConfig(loss="hs", sample=0.0), np.array([1, 1, 1, 1])) == pytest.approx(
        2 * np.log(2)
    )


@pytest.mark.parametrize("params", [
    {"loss": "hs"}, {"loss": "hs", "model": "cbow"}, {"loss": "hs", "direction": "to-contexts"},
    {"loss": "softmax"}, {"loss": "softmax", "model": "cbow"}, {"direction": "to-contexts"},
    {"context_weight": "harmonic"}, {"context_weight": "equal"}, {"shuffle": True},
    {"loss": "hs", "held_out": 0.1}, {"loss": "softmax", "held_out": 0.1},
])  # fmt: skip
def test_every_objective_learns_the_sample(params):
    quick = {"epochs": 1, "dim": 25} if params.get("loss") == "softmax" else {"epochs": 5}
    emb = w2vfast.train(str(SAMPLE), **{**params, **quick, "threads": 2})
    assert emb.params["loss"] == params.get("loss", "ns")
    assert emb.evaluate(QUESTIONS)[-1].score > 50


def test_sizes_of_harmonic_windows():
    """At least d with the chance 1 / d."""
    bits = np.random.default_rng(1).integers(0, 2**64, 40_000, dtype=np.uint64)
    sizes = np.array([sampling.draw_harmonic_window(b, 5) for b in bits])
    for d in range(1, 6):
        assert (sizes >= d).mean() == pytest.approx(1 / d, abs=0.01)
    assert sizes.max() == 5
    assert sampling.draw_harmonic_window(np.uint64(0), 5) == 5
    assert sampling.draw_harmonic_window(np.uint64(0), 0) == 0


def test_each_epoch_has_its_own_order_and_every_sentence_once():
    trainer = trainer_of("".join(f"w{i} x{i} y{i}\n" for i in range(50)), shuffle=True, seed=3)
    plain = [
        trainer.corpus.ids[a:b].tolist()
        for a, b in zip(*[trainer.corpus.offsets[i:][:50] for i in (0, 1)], strict=True)
    ]
    seen = []
    for epoch in range(3):
        text = trainer._shuffler.text(epoch)
        sentences = [text.ids[a:b].tolist() for a, b in zip(text.offsets[:-1], text.offsets[1:], strict=True)]
        assert sorted(sentences) == sorted(plain)
        seen.append(sentences)
    assert plain not in seen
    assert seen[0] != seen[1] != seen[2]
    again = trainer_of("".join(f"w{i} x{i} y{i}\n" for i in range(50)), shuffle=True, seed=3)
    assert again._shuffler.text(1).ids.tolist() == [i for s in seen[1] for i in s]


def test_held_out_sentences_are_not_shuffled():
    trainer = trainer_of("".join(f"w{i} x{i} y{i}\n" for i in range(50)), shuffle=True, held_out=0.2)
    text = trainer._shuffler.text(0)
    assert (text.ids[trainer.n_tokens :] == trainer.corpus.ids[trainer.n_tokens :]).all()
    assert sorted(text.ids[: trainer.n_tokens]) == sorted(trainer.corpus.ids[: trainer.n_tokens])


def test_a_shuffled_text_makes_room_for_the_next_one(monkeypatch):
    trainer = trainer_of(shuffle=True)
    last, made = weakref.ref(trainer._shuffler.text(0).ids), []
    monkeypatch.setattr(shuffling, "spooled", lambda *args: made.append(last()) or np.empty(*args))
    trainer._shuffler.text(1)
    assert made == [None]


@pytest.mark.parametrize("params", [
    {}, {"model": "cbow"}, {"negatives_per": "pair"}, {"loss": "softmax"}, {"direction": "to-contexts"},
])  # fmt: skip
def test_frozen_words_keep_their_vectors_bit_for_bit(params):
    trainer = trainer_of(TEXT * 20, threads=2, **params)
    before = [matrix.copy() for matrix in trainer.model]
    assert trainer.freeze(["d", "a", "nowhere"]) == 2  # in an order that is not the vocabulary's
    trainer.run()
    frozen = [trainer.corpus.vocab.find([word])[0] for word in "ad"]
    for matrix, old in zip(trainer.model, before, strict=True):
        changed = (matrix != old).any(axis=1)
        assert not changed[frozen].any()
        assert changed.sum() == len(changed) - 2


def test_freezing_as_a_user(w2v, corpus):
    (w2v.folder / "words").write_text("one\ntwo\n")
    options = ["--dim", "8", "--epochs", "2", "-q"]
    assert w2v("train", "corpus.txt", *options).returncode == 0
    result = w2v("train", "corpus.txt", "--from", "model.w2v", "--freeze", "words", "-o", "on.w2v")
    assert result.returncode == 0, result.stderr
    assert b"vectors kept: 2 words (--freeze)" in result.stderr
    one, two = (w2vfast.load(w2v.folder / name) for name in ("model.w2v", "on.w2v"))
    for word in ("one", "two", "three"):
        assert (one[word] == two[word]).all() == (word != "three")
    alone = w2v("train", "corpus.txt", "--freeze", "words")
    assert (alone.returncode, b"--freeze needs --from" in alone.stderr) == (2, True)


def test_vectors_that_are_saved(w2v, corpus):
    options = ["train", "corpus.txt", "--dim", "4", "--epochs", "2", "--threads", "1", "-q"]
    found = {}
    for which in ("in", "out", "sum", "concat"):
        assert w2v(*options, "--vectors", which, "-o", f"{which}.w2v").returncode == 0
        found[which] = w2vfast.load(w2v.folder / f"{which}.w2v")
    W, W_out = found["in"].vectors, found["in"].context
    assert (found["out"].vectors == W_out).all()
    assert (found["sum"].vectors == W + W_out).all()
    assert (found["concat"].vectors == np.hstack([W, W_out])).all()
    assert found["concat"].context is None
    assert found["concat"].dim == 8
    assert w2v("similar", "one", "-m", "concat.w2v").returncode == 0


@pytest.mark.parametrize(("params", "message"), [
    ({"model": "cbow", "direction": "to-contexts"}, "CBOW predicts the center"),
    ({"loss": "hs", "vectors": "sum"}, "vectors must be in"),
    ({"context_weight": "square"}, "context_weight must be one of"),
])  # fmt: skip
def test_options_that_do_not_go_together(params, message):
    with pytest.raises(UsageError, match=message):
        TrainConfig(**params)


def test_a_tree_s_model_cannot_be_trained_on_or_asked_for_predictions(w2v, corpus):
    assert w2v("train", "corpus.txt", "--loss", "hs", "--epochs", "1", "-q").returncode == 0
    on = w2v("train", "corpus.txt", "--from", "model.w2v", "-o", "on.w2v")
    assert (on.returncode, b"hierarchical softmax" in on.stderr) == (2, True)
    asked = w2v("predict", "one", "two")
    assert (asked.returncode, b"hierarchical softmax" in asked.stderr) == (2, True)


def test_one_step_leaves_nothing_at_rate_zero():
    W, W_out = (padded(matrix) for matrix in small_matrices())
    model, before = Model(W, W_out), W_out.copy()
    softmax = Softmax(TrainConfig(loss="softmax", threads=2).resolved())
    rows, targets = np.array([0, 1, 1]), np.array([3, 2, 5], np.int32)
    loss, change = softmax.step(model.W[:2], model.W_out, rows, targets, np.array([1, 2]), 0.0)
    want = sum(
        objectives.softmax(W[h].astype(float), W_out.astype(float), t)[0]
        for h, t in zip(rows, targets, strict=True)
    )
    assert loss == pytest.approx(want, rel=1e-5)
    assert (change == 0).all()
    assert (model.W_out == before).all()
    assert initial_model(3, 5, 1).W.shape == (3, 16)
