"""vocab, phrases, encode, plan and doctor as a user runs them."""

import gzip
import json
import random
import subprocess
import sys

import pytest

TEXT = b"the cat sat on the mat\nthe dog sat on the log\n" * 20 + b"New York is New York\n" * 10


@pytest.fixture
def corpus(tmp_path):
    """A small text."""
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT)
    return path


def test_vocab_writes_words_and_counts(w2v, corpus):
    result = w2v("vocab", corpus, "--lowercase")
    assert result.stdout.decode().splitlines()[:3] == ["the\t80", "sat\t40", "on\t40"]
    assert b"10 words cover 100.0% of 290 tokens" in result.stderr
    assert w2v("vocab", "-", "--format", "w2v", "-q", stdin=TEXT).stdout.startswith(b"the 80\n")
    with_coverage = w2v("vocab", corpus, "--coverage", "--max-vocab", "2", "-q").stdout.decode()
    assert with_coverage.splitlines()[0] == f"the\t80\t{80 / 290:.6f}"
    (w2v.folder / "list.tsv").write_text("sat\t9000\nthe\t5000\n")  # counts of another text
    listed = w2v("vocab", corpus, "--vocab", "list.tsv", "--coverage", "--lowercase")
    assert listed.stdout.decode() == f"sat\t9000\t{40 / 290:.6f}\nthe\t5000\t{120 / 290:.6f}\n"
    assert b"2 words cover 41.4% of 290 tokens" in listed.stderr


def test_a_vocabulary_with_its_coverage_can_be_used_again(w2v, corpus):
    assert w2v("vocab", corpus, "--coverage", "-o", "words.tsv", "-q").returncode == 0
    again = w2v("vocab", corpus, "--vocab", "words.tsv", "-q").stdout.decode()
    assert again.splitlines()[0] == "the\t80"


def test_counting_for_svd_needs_its_library_at_once(w2v, corpus):
    code = "import sys; sys.modules['scipy'] = None; from w2vfast.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "cooccur", str(corpus)]
    done = subprocess.run(command, cwd=w2v.folder, capture_output=True, timeout=60)
    assert (done.returncode, b"w2vfast[cooccur]" in done.stderr) == (2, True)
    assert b"reading" not in done.stderr


def test_words_of_lists_that_the_text_has_not_are_counted(w2v, corpus):
    (w2v.folder / "drop.txt").write_text("The\ncat\nDOG\n")
    result = w2v("vocab", corpus, "--keep-words", "-", "--drop-words", "drop.txt", stdin=b"mat\nMat\n")
    assert result.returncode == 0
    assert b"not in the text: 1 word to keep\n" in result.stderr
    assert b"not in the text: 2 words to drop\n" in result.stderr
    assert b"cat\t" not in result.stdout


@pytest.mark.parametrize("extra", [("-",), ("--keep-words", "-"), ("--vocab", "-")])
def test_standard_input_is_read_once_only(w2v, extra):
    for command in ("vocab", "train", *(("doctor", "phrases") if extra == ("-",) else ())):
        result = w2v(command, "-", *extra, stdin=TEXT)
        assert result.returncode == 2
        assert b"standard input can be read only once" in result.stderr


def test_a_vocabulary_can_be_saved_and_used_again(w2v, corpus, tmp_path):
    saved, again = tmp_path / "vocab.tsv", tmp_path / "again.tsv"
    train = ("train", corpus, "--epochs", "1", "--sample", "0", "-q", "-o", tmp_path / "m.w2v")
    assert w2v(*train, "--max-vocab", "5", "--save-vocab", saved).returncode == 0
    assert len(saved.read_text().splitlines()) == 5
    assert w2v(*train, "--vocab", saved, "--save-vocab", again).returncode == 0
    assert again.read_bytes() == saved.read_bytes()


def test_phrases_go_from_text_to_text(w2v, corpus, tmp_path):
    result = w2v("phrases", corpus, "--threshold", "10")
    assert result.returncode == 0
    assert result.stdout.count(b"New_York is New_York\n") == 10
    assert b"joined 20 phrases" in result.stderr
    assert b"1 invalid UTF-8 sequence " in w2v("phrases", "-", stdin=TEXT + b"caf\xe9 au lait\n").stderr
    packed = tmp_path / "corpus.gz"
    packed.write_bytes(gzip.compress(TEXT))
    out = tmp_path / "phrases.txt"
    assert w2v("phrases", packed, "--threshold", "10", "-q", "-o", out).stdout == b""
    assert out.read_bytes() == result.stdout
    assert w2v("phrases", corpus, "-o", corpus).returncode == 2
    assert w2v("phrases", corpus, "--delimiter", " ").returncode == 2
    bank = TEXT + b"a bank of america in town\n" * 9
    connected = w2v("phrases", "-", "--connectors", "english", "--threshold", "15", "-q", stdin=bank).stdout
    assert connected.count(b"a bank_of_america in town\n") == 9


def test_an_encoded_corpus_trains_like_its_text(w2v, corpus, tmp_path):
    encoded, one, two = tmp_path / "c.w2vc", tmp_path / "1.w2v", tmp_path / "2.w2v"
    assert w2v("encode", corpus, "-o", encoded, "-q").returncode == 0
    options = ("--threads", "1", "--epochs", "2", "--sample", "0", "-q", "-o")
    assert w2v("train", corpus, *options, one).returncode == 0
    assert w2v("train", encoded, *options, two).returncode == 0
    for words in (("the", "cat"), ("New",)):
        answers = [w2v("similar", *words, "-m", model, "-q").stdout for model in (one, two)]
        assert answers[0] == answers[1] != b""


def test_an_encoded_corpus_is_used_as_such_or_refused(w2v, corpus, tmp_path):
    encoded = tmp_path / "c.w2vc"
    w2v("encode", corpus, "-o", encoded, "-q")
    for extra, message in (
        (("--min-count", "2"), b"--min-count has no effect on an encoded corpus; give it to w2vfast encode"),
        ((corpus,), b"an encoded corpus must be the only input"),
    ):
        result = w2v("train", encoded, *extra, "-o", tmp_path / "m.w2v")
        assert result.returncode == 2
        assert message in result.stderr
    for command in ("vocab", "encode", "plan", "cooccur"):
        result = w2v(command, encoded, "--lowercase", *(() if command == "plan" else ("-o", tmp_path / "out")))
        assert result.returncode == 2
        assert b"--lowercase has no effect on an encoded corpus" in result.stderr
    assert w2v("vocab", encoded, "-q").stdout == w2v("vocab", corpus, "-q").stdout
    content = encoded.read_bytes()
    encoded.write_bytes(content[:-1])
    result = w2v("train", encoded, "-o", tmp_path / "m.w2v")
    assert result.returncode == 3
    assert b"Traceback" not in result.stderr
    assert w2v("train", "-", "-o", tmp_path / "m.w2v", stdin=content).returncode == 3


def test_plan_tells_what_a_run_would_take(w2v, corpus):
    plan = json.loads(w2v("plan", corpus, "--json", "--sample", "0", "--epochs", "3", "--dim", "20").stdout)
    assert plan["vocabulary"] == 10
    assert plan["tokens"] == plan["tokens_read"] == plan["tokens_after_subsampling"] == 290
    assert 2 * 290 < plan["pairs"] < 10 * 290
    assert plan["training_seconds"] == pytest.approx(3 * 290 / plan["words_per_second"])
    shown = w2v("plan", corpus, "--model", "cbow", "-q").stdout.decode()
    for name in ("vocabulary", "after subsampling", "windows", "memory", "model file", "speed", "time"):
        assert name in shown


DOCTORED = {
    "one token": (b"a\nb\nc d\n" * 50, "--sentence document"),
    "HTML": (b"<p>some text &amp; more of it</p>\n" * 50, "markup"),
    "one line has": (b"word other " * 10_000, "running text"),
    "occurred before": (b"the same line\n" * 50, "duplicates"),
    "not valid UTF-8": (b"caf\xe9 au lait\n" * 50, "iconv"),
    "converted twice": ("café au lait\n".encode().decode("latin-1").encode() * 50, "iconv"),
    "punctuation": (b"well, yes. no, (so) it goes.\n" * 50, "--tokenizer words"),
    "by case only": (b"The cat and the Cat\n" * 50, "--lowercase"),
    "little text": (b"a few words only here\n" * 10, "--dim"),
    "no words": (b"  \n", "another file"),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_doctor_finds_what_is_wrong(w2v, what):
    text, remedy = DOCTORED[what]
    findings = [json.loads(line) for line in w2v("doctor", "-", "--json", stdin=text).stdout.splitlines()]
    found = [finding for finding in findings if what in finding["what"]]
    assert len(found) == 1
    assert remedy in found[0]["remedy"]


def test_doctor_finds_nothing_wrong_with_good_text(w2v):
    rng = random.Random(1)
    lines = [" ".join(f"w{rng.randrange(97)}" for _ in range(12)) for _ in range(5000)]
    result = w2v("doctor", "-", "--dim", "50", stdin="\n".join(lines).encode())
    assert result.stdout == b""
    assert b"no trouble found" in result.stderr
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("command", "stdin", "code", "message"),
    [
        ("train - --min-count 1", b"a a a a", 3, b"need at least 2 words, found 1\n"),
        (
            "train - --max-word-bytes 1",
            b"a a a a a bb b",
            3,
            b"found 1 (1 token of more than 1 byte dropped:",
        ),
        ("train - --sentence 1", TEXT, 2, b"--sentence must be line, document or a number of words, 2 or more"),
        ("train - --min-count 0", TEXT, 2, b"--min-count must be from 1 to 2147483647, not 0"),
        ("train - --sentence 5 --vocab v.tsv", b"x a x x x\n" * 9, 3, b"no sentence has two known words, so"),
        ("vocab - empty.txt", TEXT, 0, b"warning: 1 empty file among 2\n"),
        ("doctor empty.txt", b"", 0, b"1 finding in 0 B\n"),
    ],
)
def test_messages_count_and_tell_reasons(w2v, command, stdin, code, message):
    (w2v.folder / "empty.txt").write_bytes(b"")
    (w2v.folder / "v.tsv").write_bytes(b"a 5\nof 1\n")
    result = w2v(*command.split(), stdin=stdin)
    assert message in result.stderr
    assert result.returncode == code


@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_number_of_threads_that_numba_cannot_have_is_named(w2v, corpus, value):
    """It was an internal error."""
    result = w2v("train", corpus, env={"NUMBA_NUM_THREADS": value})
    assert result.returncode == 2
    assert f"NUMBA_NUM_THREADS is {value};".encode() in result.stderr
