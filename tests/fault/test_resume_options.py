"""What a stopped run is gone on with: the same words that keep their vectors, and no lists without effect."""

import numpy as np
import pytest
from conftest import SAMPLE

import w2vfast
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.errors import FormatError, UsageError
from w2vfast.system.signals import StopRequests
from w2vfast.training.checkpoint import Checkpoints, Saved
from w2vfast.training.config import TrainConfig
from w2vfast.training.monitor import Monitor
from w2vfast.training.trainer import Trainer


def stop_at_once(path, frozen):
    """Write the checkpoint of a run on the sample."""
    corpus = encode(find_sources(str(SAMPLE)), ReadingOptions())
    trainer = Trainer(corpus, TrainConfig(dim=4, epochs=2, threads=1).resolved(), Monitor())
    with StopRequests("") as stop, Checkpoints(path, stop, Monitor(), 1e-9, frozen=frozen) as checkpoints:
        trainer.run(checkpoints.after_chunk)
    return corpus


def test_words_that_keep_their_vectors_must_be_given_again(tmp_path):
    path, frozen = tmp_path / "m.ckpt", frozenset(["king", "queen"])
    corpus = stop_at_once(path, frozen)
    Saved(path).check(corpus, None, frozen)
    for other in (frozenset(), frozenset(["king"])):
        with pytest.raises(UsageError, match=r"keep their vectors: .* \(was 2 words .*--freeze"):
            Saved(path).check(corpus, None, other)
    stop_at_once(path, frozenset())
    with pytest.raises(UsageError, match=r"2 words .* \(was none\)"):
        Saved(path).check(corpus, None, frozen)


def test_a_checkpoint_that_is_replaced_while_the_text_is_read_is_refused(tmp_path):
    """It is read twice, so that its vectors are in memory once only."""
    path = tmp_path / "m.ckpt"
    corpus = stop_at_once(path, frozenset())
    saved, trainer = Saved(path), Trainer(corpus, TrainConfig(dim=4, epochs=2, threads=1).resolved(), Monitor())
    saved.fill(trainer.model)
    assert trainer.model.W_out.any()
    assert not any(isinstance(value, np.ndarray) for value in vars(saved).values())
    stop_at_once(path, frozenset(["king"]))
    with pytest.raises(FormatError, match="has been replaced meanwhile"):
        saved.fill(trainer.model)


@pytest.mark.parametrize("option", ["--vocab", "--keep-words", "--drop-words", "--like"])
def test_lists_and_models_without_effect_are_refused(w2v, corpus, option):
    stop_at_once(w2v.folder / "model.w2v.ckpt", frozenset())
    w2vfast.train(str(SAMPLE), epochs=1, dim=4).save(w2v.folder / "m.w2v")
    (w2v.folder / "words").write_text("one 1\ntwo 1\n")
    file = "m.w2v" if option == "--like" else "words"
    result = w2v("train", "corpus.txt", "--resume", option, file)
    assert result.returncode == 2
    assert f"{option} has no effect with --resume" in result.stderr.decode()
