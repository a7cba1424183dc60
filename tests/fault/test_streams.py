"""Streams, signals, terminals and odd surroundings, with real processes."""

import os
import pty
import re
import signal
import subprocess
import time

import pytest
from conftest import COMMAND


def obey_signals():
    """Undo what the tests themselves may have inherited: under nohup or in the background they ignore some."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def in_terminal(args, cwd, env=None):
    """Run the command with a terminal as standard output; return what it shows and the exit code."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, args)], stdout=terminal, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        cwd=cwd, env={**os.environ, "TERM": "xterm", **(env or {})},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            block = os.read(main, 4096)
        except OSError:
            break
        if not block:
            break
        shown += block
    os.close(main)
    process.stderr.close()
    return shown.decode().replace("\r\n", "\n"), process.wait(20)


def test_a_terminal_gets_an_aligned_table(w2v, sample_model):
    shown, code = in_terminal(
        ["similar", "king", "queen", "-k", "4", "-m", sample_model], w2v.folder, {"NO_COLOR": "1"}
    )
    assert code == 0
    first, second = shown.split("\n\n")
    for block, query in ((first, "king"), (second, "queen")):
        lines = block.strip("\n").split("\n")
        assert lines[0] == query
        assert len(lines) == 5
        assert len({re.search(r"\d\.\d{4}", line).start() for line in lines[1:]}) == 1
    assert "\x1b" not in shown
    assert "\x1b[1mking" in in_terminal(["similar", "king", "-m", sample_model], w2v.folder)[0]


def test_a_prompt_answers_until_the_input_ends(w2v, sample_model):
    """On a terminal only; the end of the input, Ctrl-D, is a normal end."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "similar", "-i", "-k", "2", "-m", sample_model], stdin=terminal, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=w2v.folder,
    )  # fmt: skip
    os.close(terminal)
    os.write(main, b"king\n\nkng\nparis - france + japan\nking -\n\x04")
    out, err = process.communicate(timeout=60)
    os.close(main)
    lines = [line.split(b"\t") for line in out.splitlines()]
    assert [line[0] for line in lines] == [b"king"] * 2 + [b"paris - france + japan"] * 2
    assert lines[2][1] == b"tokyo"
    assert b"close: king" in err
    assert b"a word is missing in: king -" in err
    assert process.returncode == 1  # a word was unknown


def test_a_prompt_takes_what_is_not_utf_8_for_an_unknown_word(w2v, sample_model):
    for encoding in ("utf-8", "ascii"):
        main, terminal = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "similar", "-i", "-k", "2", "-m", sample_model], stdin=terminal, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=w2v.folder, env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        os.close(terminal)
        os.write(main, b"k\xff\xc3\xb6\nking\n\x04")
        out, err = process.communicate(timeout=60)
        os.close(main)
        assert out.count(b"king\t") == 2
        assert process.returncode == 1, err


def test_control_characters_are_escaped_on_a_terminal_only(w2v):
    """E4."""
    evil = "evil\x1b]52;c;aGk=\x07"
    (w2v.folder / "c.txt").write_text(f"a b {evil} c\n" * 50)
    w2v("train", "c.txt", "-q")
    shown, _ = in_terminal(["similar", "a"], w2v.folder, {"NO_COLOR": "1"})
    assert "\x1b" not in shown
    assert "evil\\x1b]52" in shown
    assert evil.encode() in w2v("similar", "a").stdout
    for args in (
        ["cluster", "-k", "2"],
        ["distance", "a", evil],
        ["vector", evil],
        ["cluster", "-k", "2", "--summary"],
        ["vocab", "c.txt"],
    ):
        assert "\x1b" not in in_terminal(args, w2v.folder)[0]
        assert evil.encode() in w2v(*args).stdout


def test_binary_is_not_written_to_a_terminal(w2v, corpus):
    """O8."""
    assert in_terminal(["train", "corpus.txt", "-o", "-"], w2v.folder) == ("", 2)


@pytest.fixture
def training(w2v):
    """A run that has begun to train and would go on for long."""
    (w2v.folder / "long.txt").write_text("one two three four five six seven\n" * 200_000)
    process = subprocess.Popen(
        [*COMMAND, "train", "long.txt", "--epochs", "1000", "--sample", "0"],
        cwd=w2v.folder,
        stderr=subprocess.PIPE,
        preexec_fn=obey_signals,
    )
    for line in process.stderr:
        if line.startswith(b"epoch"):
            break
    yield process
    process.stderr.close()
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_training_and_leaves_nothing_torn(w2v, training, number):
    """The shell sees a death by that signal; the older model stays."""
    (w2v.folder / "model.w2v").write_bytes(b"old")
    training.send_signal(number)
    rest = training.stderr.read().decode()
    assert training.wait(30) == -number
    assert "\nstopping, saving what there is (Ctrl-C again to quit now)\n" in rest
    assert re.search(
        r"\nstopped at \d+\.\d %, saved in model\.w2v\.ckpt\nto go on: w2vfast train long\.txt --resume\n$", rest
    )
    assert "Traceback" not in rest
    assert (w2v.folder / "model.w2v").read_bytes() == b"old"
    assert sorted(os.listdir(w2v.folder)) == ["long.txt", "model.w2v", "model.w2v.ckpt"]


def test_an_ignored_signal_stays_ignored(w2v):
    """As under nohup."""
    (w2v.folder / "long.txt").write_text("one two three four five six seven\n" * 20_000)
    with subprocess.Popen(
        [*COMMAND, "train", "long.txt", "--epochs", "5"], cwd=w2v.folder, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:  # fmt: skip
        assert b"reading long.txt" in process.stderr.readline()  # Python runs, and has its handlers
        process.send_signal(signal.SIGHUP)
        rest = process.stderr.read()
    assert process.returncode == 0, rest
    assert b"done in" in rest


@pytest.mark.parametrize("sample_stays", [True, False])
def test_a_closed_pipe_is_quiet(w2v, sample_model, sample_stays):
    """E1: death by SIGPIPE, nothing on stderr."""
    words = "\n".join(["king"] * 20_000).encode()
    script = "set -o pipefail; {} similar - -m {} {} | head -1 | wc -l; echo ${{PIPESTATUS[0]}}".format(
        " ".join(COMMAND), sample_model, "" if sample_stays else "--json"
    )
    result = subprocess.run(["bash", "-c", script], input=words, capture_output=True, timeout=60)
    assert result.stdout.split() == [b"1", b"141"]
    assert result.stderr == b""


def test_a_full_disk_under_stdout_is_exit_4(w2v, sample_model):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*COMMAND, "similar", "king", "-m", sample_model], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert result.returncode == 4
    assert b"cannot write" in result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("args", [["train", "corpus.txt"], ["train", "corpus.txt", "--progress", "always"]])
def test_training_completes_when_nobody_reads_stderr(w2v, corpus, args):
    """T11."""
    script = " ".join([*COMMAND, *args]) + " 2>&1 | head -1; exit ${PIPESTATUS[0]}"
    assert subprocess.run(["bash", "-c", script], cwd=w2v.folder, capture_output=True).returncode == 0
    assert w2v("similar", "one").returncode == 0


def test_any_locale_writes_utf_8(w2v):
    """E2, E3."""
    (w2v.folder / "c.txt").write_text("naïve 日本 café x\n" * 50, encoding="utf-8")
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    assert w2v("train", "c.txt", env=env).returncode == 0
    result = w2v("similar", "-", stdin="日本\n".encode(), env=env)
    assert {line.split("\t")[1] for line in result.stdout.decode().splitlines()} == {"naïve", "café", "x"}
    assert w2v("similar", b"\xff\xfe").returncode == 1
    assert w2v("similar", "日本", env=env).returncode == 0


@pytest.mark.parametrize("home", ["/proc/none", "file"])
def test_a_home_that_cannot_be_written_hinders_nothing(w2v, corpus, home):
    """E7."""
    (w2v.folder / "file").write_text("")
    env = {"HOME": home, "XDG_CACHE_HOME": "", "XDG_STATE_HOME": ""}
    if home == "file":
        env = {"HOME": str(w2v.folder / "file"), "XDG_CACHE_HOME": "", "XDG_STATE_HOME": ""}
    result = w2v("train", "corpus.txt", "--epochs", "1", env=env)
    assert result.returncode == 0, result.stderr
    assert b"Traceback" not in result.stderr
    assert b"compiling (no folder can be used to keep the code: set NUMBA_CACHE_DIR)" in result.stderr


def test_first_ctrl_c_is_answered_quickly(training):
    """T10: within a chunk, here with room for a busy machine."""
    training.send_signal(signal.SIGINT)
    begin = time.monotonic()
    while b"stopping" not in training.stderr.readline():
        assert training.poll() is None
    assert time.monotonic() - begin < 5
    training.stderr.read()
    assert training.wait(30) == -signal.SIGINT
    assert time.monotonic() - begin < 20
