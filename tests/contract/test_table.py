"""The contract as a table: what is typed, and what comes of it.

A row gives the arguments, the exit code, a pattern for the last line of standard error, what standard output holds
exactly, and which files appear or change; every other file must stay as it was, byte for byte.
"""

import bz2
import gzip
import lzma
import re
import resource
import subprocess
from dataclasses import dataclass, field

import pytest
from conftest import COMMAND

TEXT = "one two three four five six seven\n" * 100
VECTORS = "4 2\nnorth 0 1\neast 1 0\nsouth 0 -1\nboth 1 1\n"
FAST = ("--epochs", "1", "--dim", "4", "--threads", "1")
#: Files that every case finds in its folder.
FILES = {
    "corpus.txt": TEXT.encode(),
    "empty.txt": b"",
    "twice.txt": b"a b\n" * 20,
    "blank.txt": b" \n\t\n\n",
    "single.txt": b"word " * 50,
    "rare.txt": b"a b c d e f",
    "latin.txt": b"caf\xe9 " * 50 + TEXT.encode(),
    "cut.gz": gzip.compress(TEXT.encode() * 50)[:-20],
    "cut.bz2": bz2.compress(TEXT.encode() * 50)[:-20],
    "cut.xz": lzma.compress(TEXT.encode() * 50)[:-20],
    "map.vec": VECTORS.encode(),
    "damaged.w2v": (100).to_bytes(8, "little") + b'{"vectors" and more',
    "old.w2v": b"an older model",
    "kv.model": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x0bKeyedVectors\x94.",
    "short.bin": b"3 2\nabc " + bytes(8) + b"\nd",
    "liar.bin": b"999999999 300\nabc " + bytes(8),
    "questions.txt": b": compass\nnorth south east north\n",
    "far.txt": b": elsewhere\nmars venus pluto moon\n",
}


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    args: str
    code: int = 0
    err: str = ""  # pattern for the last line of standard error, without the command's name; "" = silence
    out: str = ""  # standard output
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


USAGE = [  # C1, E12, O7: exit code 2, found before anything is read
    Case("train none.txt", 2, "none.txt does not exist"),
    Case("train corpus.txt none*.txt", 2, r"none\*.txt does not exist"),
    Case("train", 2, "Missing argument 'CORPUS"),
    Case("train corpus.txt --dim 0", 2, "dim must be from 1 to 10000, not 0"),
    Case("train corpus.txt --dim x", 2, "'x' is not a valid integer"),
    Case("train corpus.txt --alpha nan", 2, "alpha must be from"),
    Case("train corpus.txt --neg -1", 2, "neg must be from 1 to 1000, not -1"),
    Case("train corpus.txt --threads 10000", 2, "threads must be from 1 to 1024"),
    Case("train corpus.txt --model glove", 2, "'glove' is not one of 'sg', 'cbow'"),
    Case("train corpus.txt --nge 5", 2, "--neg"),
    Case("train corpus.txt -o corpus.txt", 2, "the output corpus.txt is one of the inputs"),
    Case("train corpus.txt -o ./../work/corpus.txt", 2, "is one of the inputs"),
    Case("train corpus.txt -o .", 2, r"\. is a folder"),
    Case("train corpus.txt -o old.w2v --no-clobber", 2, "old.w2v is there already"),
    Case("train corpus.txt -n -o old.w2v", 2, "old.w2v is there already"),
    Case("train corpus.txt --resume", 2, "there is no checkpoint model.w2v.ckpt to resume from"),
    Case("train corpus.txt --replicas 2", 2, "--replicas needs --workers"),
    Case("train corpus.txt --workers local:1 --checkpoint-every 5", 2, "--checkpoint-every has no effect"),
    Case("train corpus.txt --workers local:x", 2, "local:N needs a number of processes"),
    Case("train none.txt --workers local:1", 2, "none.txt does not exist"),
    Case("train - --workers local:1", 2, "only files can be read by several workers"),
    Case("train corpus.txt --workers local:1 -o corpus.txt", 2, "the output corpus.txt is one of the inputs"),
    Case("train corpus.txt --workers local:1 --resume", 2, "there is no run in .*model.w2v.run to resume"),
    Case("train empty.txt --workers local:1", 3, "empty.txt has no words"),
    Case("cluster-check local:0", 2, "from 1 to 256"),
    Case("cooccur corpus.txt --form counts --dim 30", 2, "--dim has no effect with --form counts"),
    Case("cooccur corpus.txt --columns 10", 2, "--columns has no effect with --form svd"),
    Case("cooccur twice.txt --self --window 1 --form ppmi", 3, "--form counts has the counts"),
    Case("cooccur corpus.txt --smoothing nan", 2, "--smoothing must be a number"),
    Case("phrases corpus.txt --threshold nan", 2, "--threshold must be a number"),
    Case("phrases - --connectors -", 2, "standard input can be read only once"),
    Case("demo -o -", 2, "demo needs the name of a file"),
    Case("cooccur corpus.txt --per-sentence --window 3", 2, "--window has no effect with --per-sentence"),
    Case(
        "cooccur corpus.txt --binary --context-weight harmonic", 2, "--context-weight has no effect with --binary"
    ),
    Case("info map.vec -m map.vec", 2, "not both"),
    Case("train corpus.txt --like map.vec", 2, "does not tell how it was trained"),
    Case("train corpus.txt --early-stop 1", 2, "--early-stop needs --held-out"),
    Case("train corpus.txt --from map.vec --like map.vec", 2, "--like has no effect with --from"),
    Case("train corpus.txt --checkpoint-every nan", 2, "--checkpoint-every needs a number"),
    Case("train corpus.txt --min-alpha 1", 2, r"min-alpha \(1.0\) must not exceed alpha \(0.05\)"),
    Case("train corpus.txt --from map.vec", 2, "map.vec has no output vectors"),
    Case("similar one -m none.w2v", 2, "none.w2v does not exist"),
    Case("similar one", 2, "no model found"),
    Case("similar one", 2, "gone.w2v", env={"W2VFAST_MODEL": "gone.w2v"}),
    Case("similar north --model map.vec", 2, "--model-file"),
    Case("similar north -k 0 -m map.vec", 2, "0 is not in the range"),
    Case("similar --near", 2, "--near"),
    Case("similra north", 2, "similra"),
    Case("analogy north south -m map.vec", 2, ""),
    Case("convert map.vec", 2, "Missing option"),
    Case("convert map.vec -o out.xyz", 2, "--format"),
    Case("convert map.vec -o map.vec", 2, ""),
    Case("vocab corpus.txt -o corpus.txt", 2, "is one of the inputs"),
]
INPUT = [  # C2-C4, C6, C15, C23, M1-M3: exit code 3
    Case("train empty.txt", 3, "empty.txt has no words"),
    Case("train blank.txt", 3, "blank.txt has no words"),
    Case("train -", 3, "standard input has no words"),
    Case("train single.txt", 3, "at least 2 words"),
    Case(
        "train rare.txt", 3, "6 distinct words, the most frequent occurs 1x, --min-count is 5; try --min-count 1"
    ),
    Case("train latin.txt --strict", 3, "invalid UTF-8"),
    Case("train cut.gz", 3, "cut.gz is truncated after"),
    Case("train cut.bz2", 3, "cut.bz2 is truncated after"),
    Case("train cut.xz", 3, "cut.xz is truncated after"),
    Case("train damaged.w2v -o x.w2v", 3, "is a model or an encoded corpus, not text"),
    Case("similar one -m corpus.txt", 3, "not a w2vfast model"),
    Case("similar one -m damaged.w2v", 3, "damaged.w2v"),
    Case("similar one -m empty.txt", 3, "empty.txt"),
    Case("similar one -m short.bin", 3, "short.bin"),
    Case("similar one -m liar.bin", 3, "liar.bin"),
    Case("similar one -m kv.model", 3, "pickle.*never unpickles"),
    Case("info damaged.w2v", 3, "damaged.w2v"),
    Case("convert kv.model -o out.w2v", 3, "pickle"),
    Case("similar one", 3, "damaged.w2v", env={"W2VFAST_MODEL": "damaged.w2v"}),
]
OUTPUT = [  # O1: exit code 4
    Case("train corpus.txt -o corpus.txt/model.w2v", 4, "cannot write corpus.txt/model.w2v: Not a directory"),
    Case("train corpus.txt -o none/model.w2v", 4, "cannot write none/model.w2v: No such file or directory"),
    Case("train corpus.txt -o /proc/model.w2v", 4, "cannot write /proc/model.w2v"),
    Case("train corpus.txt -q --log-json none/log", 4, "cannot write none/log"),
    Case("convert map.vec -o none/out.w2v", 4, "cannot write none/out.w2v"),
    Case("vocab corpus.txt -o none/words", 4, "cannot write none/words"),
]
DIVERGED = [  # T1: exit code 5
    Case(f"train corpus.txt -o old.w2v --alpha {alpha} --model {model} -q", 5, "training diverged.*--alpha")
    for alpha in ("1e4", "1e30") for model in ("sg", "cbow")
]  # fmt: skip
ANSWERS = [  # exact standard output
    Case("similar north -k 2 -m map.vec", 0, "", "north\tboth\t0.707107\nnorth\teast\t0.000000\n"),
    Case("similar -k 1 -m map.vec", 0, "", "east\tboth\t0.707107\n", stdin="east\n"),
    Case("similar - -k 1 -m map.vec", 0, "", "east\tboth\t0.707107\n", stdin="east"),
    Case("similar nrth east -k 1 -m map.vec", 1, "'nrth' is not in the vocabulary; close: north",
         "east\tboth\t0.707107\n"),
    Case("similar nrth east -k 1 -m map.vec --skip-missing", 0, "words not in the vocabulary: 1",
         "east\tboth\t0.707107\n"),
    Case("similar north -k 1 --json -m map.vec", 0, "",
         '{"query": "north", "results": [{"word": "both", "score": 0.7071067690849304}]}\n'),
    Case("similar north -k 1", 0, "", "north\tboth\t0.707107\n", env={"W2VFAST_MODEL": "map.vec"}),
    Case("distance north south -m map.vec", 0, "", "north\tsouth\t-1.000000\n"),
    Case("odd north both south -m map.vec", 0, "", "north both south\tsouth\t-0.923880\n"),
    Case("vector east -m map.vec", 0, "", "east 1.0 0.0\n"),
    Case("evaluate far.txt -m map.vec", 1, "", None),
    Case("vocab corpus.txt --min-count 100 -q", 0, "",
         "".join(f"{word}\t100\n" for word in TEXT.split()[:7])),
    Case("convert map.vec -o - --format txt -q", 0, "",
         "4 2\nnorth 0.0 1.0\neast 1.0 0.0\nsouth 0.0 -1.0\nboth 1.0 1.0\n"),
]  # fmt: skip
WRITTEN = [  # what a command writes, and nothing else
    Case(f"train corpus.txt -q {' '.join(FAST)}", changed=("model.w2v",)),
    Case(f"train corpus.txt -q {' '.join(FAST)} -n -o new.w2v", changed=("new.w2v",)),
    Case(f"train corpus.txt -q {' '.join(FAST)} -o old.w2v", changed=("old.w2v",)),
    Case(f"train - -q {' '.join(FAST)}", stdin=TEXT, changed=("model.w2v",)),
    Case(f"train corpus.txt -q {' '.join(FAST)} --log-json log --save-vocab words",
         changed=("log", "model.w2v", "words")),
    Case("convert map.vec -o out.bin -q", changed=("out.bin",)),
    Case("encode corpus.txt -o out.w2vc -q", changed=("out.w2vc",)),
]  # fmt: skip


@pytest.fixture
def folder(w2v):
    """The folder of the commands, with the files."""
    for name, content in FILES.items():
        (w2v.folder / name).write_bytes(content)
    return w2v.folder


def named(cases):
    """The cases with their arguments as names."""
    return [pytest.param(case, id=case.args[:60]) for case in cases]


def check(w2v, folder, case):
    """Run a case and compare."""
    result = w2v(*case.args.split(), stdin=case.stdin.encode(), env={"W2VFAST_NO_LAST": "1", **case.env})
    lines = result.stderr.decode().splitlines()
    assert result.returncode == case.code, lines
    assert case.out is None or result.stdout.decode() == case.out
    assert "Traceback" not in result.stderr.decode()
    if case.code > 1:
        assert lines[-1].startswith("w2vfast: error: ")
    if case.err:
        assert re.search(case.err, lines[-1]), lines
    elif case.code == 0:
        assert lines == []
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert tuple(sorted(n for n in after if after[n] != FILES.get(n))) == case.changed
    assert not FILES.keys() - after.keys()


@pytest.mark.parametrize("case", named(USAGE))
def test_wrong_usage(w2v, folder, case):
    """C1, E12, O7."""
    check(w2v, folder, case)


@pytest.mark.parametrize("case", named(INPUT))
def test_unusable_input(w2v, folder, case):
    """C2, C3, C4, C6, C15, C23, M1, M2, M3."""
    check(w2v, folder, case)


@pytest.mark.parametrize("case", named(OUTPUT))
def test_places_that_cannot_be_written(w2v, folder, case):
    """O1."""
    check(w2v, folder, case)


@pytest.mark.parametrize("case", named(DIVERGED))
def test_divergence(w2v, folder, case):
    """T1: the older model stays."""
    check(w2v, folder, case)


@pytest.mark.parametrize("case", named(ANSWERS))
def test_answers(w2v, folder, case):
    check(w2v, folder, case)


@pytest.mark.parametrize("case", named(WRITTEN))
def test_what_is_written(w2v, folder, case):
    check(w2v, folder, case)


def test_too_little_memory(w2v, folder):
    """T12: refused with both numbers, exit code 6; --force tries, and fails with the same code."""
    (folder / "many.txt").write_text(" ".join(f"w{i}" for i in range(60_000)))

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    for more, pattern in (((), r"need about 4\.80 GB of memory, [\d.]+ [GM]B are available; .*--force"),
                          (("--force",), r"not enough memory|Unable to allocate")):  # fmt: skip
        result = subprocess.run(
            [*COMMAND, "train", "many.txt", "--dim", "10000", "--min-count", "1", "--threads", "1", *more],
            cwd=folder, capture_output=True, timeout=120, preexec_fn=limit,
        )  # fmt: skip
        assert result.returncode == 6, result.stderr
        assert re.search(pattern, result.stderr.decode().splitlines()[-1])
        assert (b"warning: 60,000 words" in result.stderr) == bool(more)
    assert not (folder / "model.w2v").exists()


def test_a_model_without_output_vectors(w2v, folder):
    """--no-context: half the file, good for questions, not for going on from."""
    assert w2v("train", "corpus.txt", "-q", *FAST, "-o", "all.w2v").returncode == 0
    assert w2v("train", "corpus.txt", "-q", *FAST, "-o", "half.w2v", "--no-context").returncode == 0
    answers = [w2v("similar", "one", "-m", name).stdout for name in ("all.w2v", "half.w2v")]
    assert answers[0] == answers[1] != b""
    sizes = [(folder / name).stat().st_size for name in ("all.w2v", "half.w2v")]
    assert sizes[0] - sizes[1] >= 7 * 4 * 4
    refused = w2v("train", "corpus.txt", "--from", "half.w2v", "-o", "on.w2v")
    assert (refused.returncode, b"half.w2v has no output vectors" in refused.stderr) == (2, True)
