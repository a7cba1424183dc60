"""The command as users run it: real processes, pipes, exit codes, streams."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import COMMAND, SAMPLE

from w2vfast.cli import _COMMANDS

#: A program that runs the command and fails if that needed Numba.
LIGHT = (
    "import sys; from w2vfast.cli import main\n"
    "try: main(sys.argv[1:])\nfinally: assert not {'numba', 'llvmlite', 'scipy'} & set(sys.modules), 'heavy'"
)


def out(result):
    """Standard output as lines of tab-separated fields."""
    return [line.split("\t") for line in result.stdout.decode().splitlines()]


def error_line(result):
    """The one line on standard error."""
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("w2vfast: error: ")
    return lines[0]


def test_train_then_similar_without_naming_the_model(w2v, corpus):
    result = w2v("train", "corpus.txt", "--model", "sg", "--neg", "5", "--epochs", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout == b""
    lines = result.stderr.decode().splitlines()
    assert lines[0] == "reading corpus.txt (3.40 kB)"
    assert "skip-gram, dim 100, window 5, neg 5, 2 epochs" in result.stderr.decode()
    assert "vocabulary: 7 words (min-count 5), 700 of 700 tokens" in lines
    assert re.search(
        r"epoch 2/2  100 %  [\d.]+[kM]? words/s  alpha 0\.0000  loss \d\.\d+  ETA 0:00", "\n".join(lines)
    )
    assert lines[-1] == "next: w2vfast similar seven"
    result = w2v("similar", "one")
    assert result.returncode == 0
    assert result.stderr.decode() == "using ./model.w2v (7 words x 100)\n"
    rows = out(result)
    assert len(rows) == 6
    assert all(len(row) == 3 and row[0] == "one" and re.fullmatch(r"-?\d\.\d{6}", row[2]) for row in rows)
    scores = [float(row[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert w2v("similar", "one", "-q", cwd="/").stdout == result.stdout  # the last trained one


@pytest.mark.parametrize("word", ["seven", "-seven"])
def test_what_comes_next_can_be_pasted_into_a_shell(w2v, word):
    (w2v.folder / "corpus.txt").write_text(f"it's {word} $HOME\n" * 20)
    trained = w2v("train", "corpus.txt", "-o", "Bob's model.w2v").stderr.decode()
    found = re.search(r"^next: w2vfast (.*)$", trained, re.M)
    asked = subprocess.run(f"{shlex.join(COMMAND)} {found[1]}", shell=True, cwd=w2v.folder, capture_output=True)
    assert asked.returncode == 0, asked.stderr
    assert len(out(asked)) == 2


def test_a_whole_pipe(w2v, corpus):
    script = (
        "set -o pipefail; cat corpus.txt | {0} train - --model cbow --neg 10 -q -o m.w2v && "
        "echo one | {0} similar - -m m.w2v | head -3"
    ).format(" ".join(COMMAND))
    result = subprocess.run(["bash", "-c", script], cwd=w2v.folder, capture_output=True, timeout=120)
    assert result.returncode == 0
    assert len(out(result)) == 3
    assert result.stderr == b""


def test_stdin_gives_the_same_vectors_as_the_file(w2v, corpus):
    """C13; also through a FIFO."""
    options = ["-q", "--threads", "1", "--epochs", "1"]
    w2v("train", "corpus.txt", *options)
    data = corpus.read_bytes()
    w2v("train", "-", *options, "-o", "piped.w2v", stdin=data)
    os.mkfifo(w2v.folder / "fifo")
    writer = subprocess.Popen(["sh", "-c", "cat corpus.txt > fifo"], cwd=w2v.folder)
    assert w2v("train", "fifo", *options, "-o", "fifo.w2v").returncode == 0
    writer.wait(10)
    answers = [w2v("similar", "one", "-m", name).stdout for name in ("model.w2v", "piped.w2v", "fifo.w2v")]
    assert answers[0]
    assert answers[0] == answers[1] == answers[2]


def test_one_thread_and_seed_give_identical_files(w2v, corpus):
    """T14, whatever PYTHONHASHSEED."""
    for seed in "12":
        w2v(
            "train",
            "corpus.txt",
            "--threads",
            "1",
            "--seed",
            "1",
            "-o",
            f"{seed}.w2v",
            env={"PYTHONHASHSEED": seed},
        )
    assert (w2v.folder / "1.w2v").read_bytes() == (w2v.folder / "2.w2v").read_bytes()


def test_stdout_as_output(w2v, corpus):
    result = w2v("train", "corpus.txt", "-o", "-", "--epochs", "1")
    (w2v.folder / "out.w2v").write_bytes(result.stdout)
    assert w2v("similar", "one", "-m", "out.w2v").returncode == 0
    assert b"next:" not in result.stderr


def test_unknown_words_are_named_with_suggestions_and_the_rest_is_answered(w2v, sample_model):
    result = w2v("similar", "quen", "king", "-k", "2", "-m", sample_model)
    assert result.returncode == 1
    assert result.stderr.decode() == "'quen' is not in the vocabulary; close: queen\n"
    assert [row[0] for row in out(result)] == ["king", "king"]
    assert w2v("similar", "quen", "king", "--skip-missing", "-m", sample_model).returncode == 0
    assert "close: king" in w2v("similar", "KING", "-m", sample_model).stderr.decode()


def test_words_from_stdin_one_a_line(w2v, sample_model):
    for args in (["-"], []):
        result = w2v("similar", *args, "-k", "1", "-m", sample_model, stdin=b"king\r\n\nqueen\nguitar")
        assert [row[0] for row in out(result)] == ["king", "queen", "guitar"]


def test_answers_come_as_soon_as_the_line_is_there(sample_model):
    with subprocess.Popen(
        [*COMMAND, "similar", "-", "-k", "1", "-m", sample_model], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for word in (b"king", b"queen"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(word + b"\t")
        process.stdin.close()
        assert process.wait(10) == 0


def test_json_and_header(w2v, sample_model):
    result = w2v("similar", "king", "queen", "--json", "-k", "3", "-m", sample_model)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["query"] for row in rows] == ["king", "queen"]
    assert all(set(item) == {"word", "score"} for row in rows for item in row["results"])
    result = w2v("similar", "king", "--header", "-m", sample_model)
    assert out(result)[0] == ["query", "word", "score"]


def test_errors_before_training_come_without_compiling(w2v, corpus):
    """C1, O1: numba is never imported for them."""
    for args in (["none.txt"], ["corpus.txt", "-o", "none/m.w2v"], ["corpus.txt", "--dim", "0"]):
        result = subprocess.run([sys.executable, "-c", LIGHT, "train", *args], cwd=w2v.folder, capture_output=True)
        assert result.returncode in (2, 4)
        assert b"heavy" not in result.stderr


def test_divergence_leaves_the_older_model(w2v, corpus):
    """T1."""
    w2v("train", "corpus.txt", "-q")
    before = (w2v.folder / "model.w2v").read_bytes()
    result = w2v("train", "corpus.txt", "--alpha", "1e9", "-q")
    assert result.returncode == 5
    assert "with --alpha 1e+09" in error_line(result)
    assert (w2v.folder / "model.w2v").read_bytes() == before
    assert sorted(os.listdir(w2v.folder)) == ["corpus.txt", "model.w2v"]


def test_the_log_has_a_line_for_each_chunk_and_one_for_the_run(w2v, corpus):
    assert w2v("train", "corpus.txt", "-q", "--epochs", "3", "--log-json", "log.jsonl").returncode == 0
    rows = [json.loads(line) for line in (w2v.folder / "log.jsonl").read_text().splitlines()]
    names = {"epoch", "tokens", "pairs", "alpha", "loss", "words_per_second", "seconds"}
    names |= {"time", "memory_bytes", "held_out_loss"}
    assert all(set(row) == names for row in rows[:-1])
    assert rows[-1].pop("done") is True
    assert set(rows[-1]) == names
    assert [row["epoch"] for row in rows] == [1, 2, 3, 3]
    assert [row["tokens"] for row in rows] == [700, 1400, 2100, 2100]
    assert rows[-1]["words_per_second"] == pytest.approx(2100 / rows[-1]["seconds"], rel=0.01)
    result = w2v("train", "corpus.txt", "-q", "--log-json", "none/log.jsonl")
    assert result.returncode == 4
    assert "cannot write none/log.jsonl" in error_line(result)


def test_replacing_a_model_is_said(w2v, corpus):
    w2v("train", "corpus.txt", "-q")
    assert "replaced model.w2v (20" in w2v("train", "corpus.txt").stderr.decode()


def test_quiet_says_nothing(w2v, corpus):
    result = w2v("train", "corpus.txt", "-q")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert w2v("similar", "one", "-q").stderr == b""


def test_a_damaged_default_model_is_an_error_and_no_other_is_taken(w2v, corpus):
    w2v("train", "corpus.txt", "-q", "-o", "good.w2v")  # the last trained one
    good = (w2v.folder / "good.w2v").read_bytes()
    (w2v.folder / "model.w2v").write_bytes(good[:-9])
    result = w2v("similar", "one")
    assert (result.returncode, result.stdout) == (3, b"")
    result = w2v("similar", "one", env={"W2VFAST_MODEL": "good.w2v"})
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_fits_a_screen_and_shows_an_example(command, w2v):
    """Of 24 lines and 80 columns; --help-all shows the rest."""
    short = w2v(command, "--help").stdout.decode()
    assert len(short.splitlines()) <= 24
    assert max(map(len, short.splitlines())) <= 80
    assert f"w2vfast {command}" in short.partition("\n")[2]
    whole = w2v(command, "--help-all").stdout.decode()
    assert whole.count("\n  -") > short.count("\n  -")
    assert "Exit codes:" in whole


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--min-count", "0"], "--min-count must be from 1 to"),
        (["--early-stop", "2"], "--early-stop needs --held-out, a share"),
        (["--alpha", "1", "--min-alpha", "2"], "--min-alpha (2.0) must not exceed alpha (1.0)"),
    ],
)
def test_a_wrong_value_is_told_by_the_name_of_its_option(w2v, corpus, args, message):
    done = w2v("train", corpus, *args)
    assert (done.returncode, message in error_line(done)) == (2, True)


def test_a_crash_in_compiled_code_leaves_a_trace(w2v):
    """E13."""
    code = "import ctypes, w2vfast.cli as c; c._run = lambda a: ctypes.string_at(0); c.main(['similar', 'x'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGSEGV
    assert b"Fatal Python error: Segmentation fault" in done.stderr


def test_options_without_effect_are_named(w2v, corpus):
    options = ["--loss", "hs", "--neg", "9", "--cbow-grad", "mean", "--epochs", "1"]
    done = w2v("train", corpus, *options)
    assert done.returncode == 0
    found = re.findall(r"warning: (--\S+ has no effect with .*)", done.stderr.decode())
    assert found == ["--neg has no effect with --loss hs", "--cbow-grad has no effect with --model sg"]
    options = ["--direction", "to-contexts", "--negatives-per", "window", "--epochs", "1"]
    found = w2v("train", corpus, *options, "--window", "all", "--context-weight", "harmonic").stderr.decode()
    assert "warning: --negatives-per has no effect with --direction to-contexts\n" in found
    assert "warning: --context-weight has no effect with --window all\n" in found
    (w2v.folder / "v.tsv").write_text("one\t100\ntwo\t100\n")
    options = [
        "--window",
        "3",
        "--left",
        "2",
        "--right",
        "1",
        "--vocab",
        "v.tsv",
        "--min-count",
        "7",
        "--epochs",
        "1",
    ]
    done = w2v("train", corpus, *options, "--drop-words", "v.tsv")
    found = re.findall(r"warning: (--\S+ has no effect with .*)", done.stderr.decode())
    assert sorted(found) == [
        "--drop-words has no effect with --vocab",
        "--min-count has no effect with --vocab",
        "--window has no effect with --left and --right",
    ]


def test_help_of_the_program_names_every_command_and_fits_a_screen(w2v):
    short = w2v("--help").stdout.decode()
    assert len(short.splitlines()) <= 24
    assert set(_COMMANDS) <= set(re.findall(r"[a-z-]+", short.partition("Commands:")[2]))
    whole = w2v("--help-all").stdout.decode()
    assert re.findall(r"^  ([a-z-]+)  ", whole.partition("Commands:")[2], re.M) == [*_COMMANDS]


def test_help_shows_every_default_and_an_example(w2v):
    text = w2v("train", "--help-all").stdout.decode()
    for fact in (
        "[default: sg]",
        "[default: 5]",
        "[default: 0.001]",
        "w2vfast train corpus.txt --model sg --neg 5",
    ):
        assert fact in text
    for heading in ("Model:", "Text:", "Learning:", "Run:", "Cluster:"):
        assert heading in text
    options = re.findall(r"^  -\S+.*?(?=^  -|\Z|^\w)", text.split("Other options")[0], re.M | re.S)
    assert len(options) == 53
    assert all("default:" in option for option in options)
    assert w2v("-h").stdout == w2v("--help").stdout
    bare = w2v()
    assert bare.returncode == 2
    assert b"similar" in bare.stderr
    assert re.fullmatch(r"w2vfast \S+ \(numba \S+, numpy \S+, Python \S+\)\n", w2v("--version").stdout.decode())


def test_light_commands_never_import_numba(sample_model):
    for args in (
        ["similar", "king", "-m", sample_model],
        ["--help"],
        ["train", "--help"],
        ["similar", "--help"],
        ["x"],
    ):
        result = subprocess.run([sys.executable, "-c", LIGHT, *map(str, args)], capture_output=True)
        assert b"heavy" not in result.stderr


def test_internal_errors_are_one_line_and_a_file(w2v, sample_model):
    """E13."""
    code = (
        "import w2vfast.model.embeddings as e, w2vfast.cli as c\n"
        "e.Embeddings.open = lambda *a, **k: 1 / 0\n"
        f"c.main(['similar', 'x', '-m', {str(sample_model)!r}])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert result.returncode == 70
    line = error_line(result)
    path = re.search(r"Traceback in (\S+);", line)[1]
    assert "ZeroDivisionError" in Path(path).read_text()
    os.unlink(path)


def test_demo_trains_answers_and_says_what_to_try(w2v):
    result = w2v("demo")
    assert result.returncode == 0
    text = result.stdout.decode()
    assert "man is to king as woman is to queen" in text
    assert "france is to paris as japan is to tokyo" in text
    (try_,) = re.findall(r"^  (w2vfast similar .*)$", text, re.M)
    assert w2v(*try_.split()[1:]).returncode == 0


def test_the_sample_trains_from_its_file(w2v):
    assert w2v("train", str(SAMPLE), "-q", "--epochs", "1").returncode == 0
