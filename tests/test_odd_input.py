"""What users give that is a little other than expected: it is read as they mean it, or refused in clear words."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import COMMAND, QUESTIONS, SAMPLE

from w2vfast.corpus import encoded
from w2vfast.corpus.encoded import encode
from w2vfast.corpus.reading import ReadingOptions
from w2vfast.corpus.sources import find_sources
from w2vfast.errors import FormatError
from w2vfast.model import evaluate as module
from w2vfast.model.cluster import spherical_kmeans
from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.model.evaluate import evaluate, read_test
from w2vfast.model.formats.registry import read_vectors
from w2vfast.model.packed import write_model
from w2vfast.training.checkpoint import FORM
from w2vfast.vocab import Vocab

WORDS = ["king", "queen", "rain", "new york", "new", "york"]


def model_of(words=WORDS, dim=4):
    """Random vectors for words."""
    vectors = np.random.default_rng(1).normal(size=(len(words), dim)).astype(np.float32)
    return Embeddings(Contents(vectors, Vocab(list(words), np.arange(len(words), 0, -1))))


@pytest.fixture
def model(w2v):
    """A model in the folder of the commands."""
    model_of().save(w2v.folder / "model.w2v")
    return w2v.folder


def shell(folder, code):
    """Run a line of bash in which $W is the command."""
    script = f'W="{" ".join(COMMAND)}"; {code}'
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, timeout=120, text=True)


def test_the_header_of_a_table_with_commas_is_no_question(tmp_path):
    (tmp_path / "t.csv").write_text("Word 1,Word 2,Human (mean)\nking,queen,9\nnew york,rain, 1\n")
    assert read_test(tmp_path / "t.csv") == [("king", "queen", 9.0), ("new york", "rain", 1.0)]


def test_words_of_analogies_may_be_numbers(tmp_path):
    (tmp_path / "t").write_text(": numbers\none 1 two 2\nthree 3 four 4\n")
    assert read_test(tmp_path / "t") == {"numbers": [("one", "1", "two", "2"), ("three", "3", "four", "4")]}


def test_resamples_in_parts_give_the_same_interval(tmp_path, monkeypatch):
    (tmp_path / "t").write_text("".join(f"{a} {b} {len(a)}\n" for a in WORDS[:3] for b in WORDS[4:]))
    whole = evaluate(model_of(), tmp_path / "t")
    monkeypatch.setattr(module, "_RESAMPLED_AT_ONCE", 50)
    assert evaluate(model_of(), tmp_path / "t") == whole


def test_convert_leaves_what_it_reads(model, w2v):
    model_of(["king", "queen"]).save(model / "model.w2v")
    (model / "words.txt").write_text("king\n")
    assert w2v("convert", "model.w2v", "-o", "words.txt", "--keep-words", "words.txt").returncode == 2
    assert (model / "words.txt").read_text() == "king\n"
    assert w2v("convert", "model.w2v", "-o", "emb", "--format", "npy").returncode == 0
    before = (model / "emb" / "vectors.npy").read_bytes()
    for name in ("emb", "emb/vectors.npy"):
        assert w2v("convert", name, "-o", "emb", "--format", "npy", "--top", "1").returncode == 2
    assert (model / "emb" / "vectors.npy").read_bytes() == before
    write_model(model / "c.w2v.ckpt", model_of().contents, FORM, {}, {})
    before = (model / "c.w2v.ckpt").read_bytes()
    assert w2v("convert", "model.w2v", "-o", "c.w2v.ckpt", "--format", "bin").returncode == 2
    assert (model / "c.w2v.ckpt").read_bytes() == before


@pytest.mark.parametrize(
    "code", ["$W vocab c.txt -o /dev/stdout | wc -l", "$W vocab c.txt -q -o >(wc -l); sleep 1; wait",
             "echo 3 > out; $W vocab c.txt -q -o /dev/stdout >> out; wc -l < out"],
)  # fmt: skip
def test_an_output_may_be_an_open_pipe(tmp_path, code):
    (tmp_path / "c.txt").write_text("one two three\n" * 50)
    assert shell(tmp_path, code).stdout.strip() == ("4" if "out; wc" in code else "3")


def test_what_cannot_be_unpacked_is_a_fault_of_the_input(model, w2v):
    model_of(["king", "queen"]).save(model / "model.w2v")
    assert w2v("convert", "model.w2v", "-o", "v.vec.gz", "-q").returncode == 0
    packed = (model / "v.vec.gz").read_bytes()
    (model / "v.vec.gz").write_bytes(packed + b"junk")
    done = w2v("convert", "v.vec.gz", "-o", "v.bin")
    assert (done.returncode, b"v.vec.gz is damaged" in done.stderr) == (3, True)
    assert not (model / "v.bin").exists()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become somebody else")
def test_what_may_not_be_read_is_named():
    """As a user without rights: stat itself fails in a folder that cannot be searched."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to others
        Path(name).chmod(0o711)
        check_what_may_not_be_read(Path(name))


def check_what_may_not_be_read(place):
    """Ask as nobody for a model and a text in a closed folder, and for a folder with a file for others."""
    secret, open_to_all = place / "secret", place / "open"
    for folder in (secret, open_to_all):
        folder.mkdir()
    model_of().save(secret / "m.w2v")
    (open_to_all / "a.txt").write_text("one two\n" * 9)
    (open_to_all / "z.txt").write_text("one two\n" * 9)
    (open_to_all / "z.txt").chmod(0)
    secret.chmod(0o700)
    open_to_all.chmod(0o755)
    program = (  # what is imported later may lie where nobody can read
        "import os, sys, w2vfast.cli as c\n"
        "import w2vfast.commands.similar, w2vfast.commands.train, w2vfast.commands.vocab, w2vfast.corpus.encoded\n"
        "os.setegid(65534); os.seteuid(65534)\n"
        "c.main(sys.argv[1:])"
    )
    for args, named in (
        (["similar", "king", "-m", f"{secret}/m.w2v"], "secret/m.w2v"),
        (["train", f"{secret}/c.txt"], "secret/c.txt"),
        (["vocab", str(open_to_all)], "open/z.txt"),
    ):
        result = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, timeout=60, cwd="/")
        assert result.returncode == 2, result.stderr
        assert f"cannot read {place}/{named}: permission denied" in result.stderr.decode().replace("Perm", "perm")


def test_a_test_may_come_from_a_pipe_and_go_away(w2v):
    """It was read again after each epoch, and its end was that of the run."""
    code = f"$W train {SAMPLE} --epochs 3 --dim 8 --eval <(cat {QUESTIONS}) -o m.w2v 2>&1 | grep -c 'epoch .: '"
    assert shell(w2v.folder, code).stdout.strip() == "3"
    code = f"$W evaluate <(cat {QUESTIONS}) -m m.w2v -m {w2v.folder}/m.w2v -m ./m.w2v --table | wc -l"
    assert int(shell(w2v.folder, code).stdout) > 3


@pytest.mark.parametrize("output", ["x.sqlite", "x --format hf"])
def test_a_full_disk_is_no_internal_error_of_any_format(w2v, output):
    model_of([f"w{i}" for i in range(3000)], 100).save(w2v.folder / "model.w2v")
    done = shell(w2v.folder, f"trap '' XFSZ; ulimit -f 100; $W convert model.w2v -o {output}; echo $?")
    assert done.stdout.strip() == "4", done.stderr
    assert os.listdir(w2v.folder) == ["model.w2v"]


def test_completion_offers_no_word_that_a_shell_would_obey(w2v):
    words = ["queen", "queen;id", "quee$(id)", "queer'", "que*", "queue-up", "Queen", "québec"]
    model_of(words).save(w2v.folder / "model.w2v")
    env = {"COMP_WORDS": "w2vfast similar qu", "COMP_CWORD": "2", "_W2VFAST_COMPLETE": "bash_complete"}
    found = [line.partition(",")[2] for line in w2v(env=env).stdout.decode().splitlines()]
    assert found == ["queen", "queue-up", "québec"]


def test_what_a_file_says_of_itself_does_not_reach_the_terminal(w2v):
    about = {"esc\x1b]0;x\x07": 1, "lone \ud800": 2}
    found = Embeddings(
        Contents(model_of().vectors, Vocab(WORDS, np.ones(6, np.int64)), None, about, {}, "me\x9b31m")
    )
    found.save(w2v.folder / "m.w2v")
    for option in ((), ("--card",), ("--json",)):
        done = w2v("info", "m.w2v", *option)
        assert done.returncode == 0, done.stderr
        assert not {0x1B, 0x07} & set(done.stdout)
        assert "\x9b" not in done.stdout.decode()
    assert w2v("convert", "m.w2v", "-o", "hub", "--format", "hf").returncode == 0
    (w2v.folder / "c.txt").write_text("\x1b[31m\x1b]0;x\n" * 9 + "\x1b[31m \x1b]0;x\n" * 20)
    assert b"\x1b" not in w2v("train", "c.txt", "--epochs", "1").stderr


def test_many_single_questions_make_an_index(tmp_path):
    model_of([f"w{i}" for i in range(300)]).save(tmp_path / "m.w2v")
    vocab = Embeddings.open(tmp_path / "m.w2v").vocab
    assert [vocab.find([f"w{i}"])[0] for i in range(300)] == [*range(300)]
    assert "index" in vars(vocab)


def test_groups_are_the_same_in_smaller_blocks(monkeypatch):
    vectors = np.random.default_rng(3).normal(size=(500, 5)).astype(np.float32)
    labels, _ = spherical_kmeans(vectors, 7)
    monkeypatch.setattr("w2vfast.model.cluster._MOST_SCORES", 7 * 13)
    assert (spherical_kmeans(vectors, 7)[0] == labels).all()


@pytest.mark.parametrize("sentence", ["line", 3])
def test_offsets_are_the_same_in_smaller_steps(tmp_path, monkeypatch, sentence):
    (tmp_path / "t.txt").write_text("one two three four rare\nfive six\n" * 40 + "one two\n")
    options = ReadingOptions(min_count=2, sentence=sentence, threads=2)
    whole = encode(find_sources(str(tmp_path / "t.txt")), options)
    monkeypatch.setattr(encoded, "_STEP_SENTENCES", 2)
    parts = encode(find_sources(str(tmp_path / "t.txt")), options)
    assert parts.offsets.tolist() == whole.offsets.tolist()
    assert parts.ids.tolist() == whole.ids.tolist()


@pytest.mark.parametrize(
    "args",
    ["similar king --among", "similar king --exclude-from", "similar king -m", "info", "plot --words",
     "convert model.w2v -o small.txt --keep-words"],
)  # fmt: skip
def test_an_empty_name_is_no_absent_option(model, w2v, args):
    """An unset variable of a script must not take a restriction away."""
    done = w2v(*args.split(), "")
    assert done.returncode == 2, done.stdout
    assert not (model / "small.txt").exists()


@pytest.mark.parametrize(
    "args", ["similar --among -", "similar - --exclude-from -", "similar --vector - --among -"]
)
def test_standard_input_is_one_thing_only(model, w2v, args):
    done = w2v(*args.split(), stdin=b"king\n")
    assert (done.returncode, b"read only once" in done.stderr) == (2, True)
    assert w2v("similar", "king", "--among", "-", stdin=b"queen\n").stdout.startswith(b"king\tqueen\t")


def test_lists_for_models_name_words_with_spaces(model, w2v):
    (model / "list").write_text("new york\t7\nrain\n")
    found = w2v("similar", "king", "--among", "list").stdout.decode().splitlines()
    assert sorted(line.split("\t")[1] for line in found) == ["new york", "rain"]
    done = w2v("convert", "model.w2v", "-o", "small.w2v", "--keep-words", "list", "-q")
    assert done.returncode == 0
    assert sorted(Embeddings.load(model / "small.w2v").vocab.words) == ["new york", "rain"]


def test_a_name_that_ends_in_a_number_is_no_vector(tmp_path):
    lines = ["founded in 1995 0.5 1.5\n", "the end 1.0 2.0\n", "closed in 2001 3.0 4.0\n", "and so on 1.0 1.0\n"]
    (tmp_path / "t.txt").write_text("".join(lines[1:]) + lines[0])
    (tmp_path / "u.txt").write_text(lines[0] + "".join(lines[1::2]))
    for name in ("t.txt", "u.txt"):
        found = read_vectors(tmp_path / name)
        assert found.vectors.shape[1] == 2
        assert "founded in 1995" in found.vocab.words


def test_vectors_do_not_begin_with_an_empty_line(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\n2a\xa1  \xd91 2\n")
    with pytest.raises(FormatError, match="nor a known file of vectors"):
        read_vectors(tmp_path / "t.txt")


def test_the_numbers_of_a_projector_find_their_words(model, w2v):
    model_of(["king", "queen", "rain"]).save(model / "model.w2v")
    assert w2v("convert", "model.w2v", "-o", "projector", "--format", "tensorboard", "-q").returncode == 0
    found = read_vectors(model / "projector" / "vectors.tsv")
    assert list(found.vocab.words) == ["king", "queen", "rain"]
    assert found.vectors.shape == (3, 4)


def test_a_byte_order_mark_is_no_letter_of_the_first_question(model, w2v):
    assert w2v("similar", "-", "-k", "1", stdin=b"\xef\xbb\xbfking\n").stdout.startswith(b"king\t")


def test_long_lines_are_read_in_pieces(model, w2v):
    done = w2v("similar", "-", "-k", "1", stdin=b"x" * 3_000_000 + b"\nking")
    assert done.stdout.startswith(b"king\t")
    assert done.returncode == 1


def test_a_log_whose_last_line_has_no_tokens_is_drawn(w2v):
    pytest.importorskip("matplotlib")
    (w2v.folder / "log").write_text('{"tokens": 0, "loss": 4, "alpha": 0.05, "epoch": 1}\n')
    assert w2v("plot", "loss", "log", "-o", "loss.svg").returncode == 0


def test_a_database_that_is_written_can_be_read(model, w2v):
    assert w2v("convert", "model.w2v", "-o", "v.sqlite", "-q").returncode == 0
    with sqlite3.connect(model / "v.sqlite") as database:
        assert database.execute("SELECT count(*) FROM vectors").fetchone() == (6,)
