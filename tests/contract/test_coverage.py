"""Which test proves which promise: the faults by their ids, and the tests whose name or docstring has them.

python tests/contract/test_coverage.py > tests/contract/CONTRACT.md
"""

import ast
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS, TABLE = HERE.parent, HERE / "CONTRACT.md"
FAULTS = {
    "C1": "corpus missing or unreadable", "C2": "empty corpus", "C3": "every word too rare",
    "C4": "vocabulary of one word", "C5": "fewer words than threads", "C6": "invalid UTF-8",
    "C7": "NUL bytes", "C8": "Unicode spaces", "C9": "giant token", "C10": "line of any length",
    "C11": "no final newline", "C12": "odd words", "C13": "stdin and FIFO", "C14": "file changes while read",
    "C15": "truncated compressed data", "C16": "flipped bit in it", "C17": "garbage behind it",
    "C18": "several members", "C19": "wrong extension", "C20": "decompression bomb", "C21": "hash flooding",
    "C22": "large vocabulary", "C23": "models and outputs in a folder", "C24": "zstd without its package",
    "M1": "pickle", "M2": "lying header", "M3": "truncated model", "M4": "trailing data", "M5": "endless word",
    "M6": "twins, empty words, NaN, zero vectors", "M7": "with and without line ends, cut words",
    "M8": "variants of text", "M9": "hostile native header", "M10": "flipped bit", "M11": "format versions",
    "M12": "file replaced or cut while open", "M13": ".npy", "M14": "white space in a word",
    "M15": "exact decimals",
    "T1": "learning rate too large", "T2": "explosion without NaN", "T3": "NaN as an index",
    "T4": "index out of range", "T5": "V x D beyond 2^31", "T6": "Ctrl-C and resume", "T7": "second Ctrl-C",
    "T8": "SIGTERM, SIGHUP, ignored signals", "T9": "kill -9", "T10": "latency of Ctrl-C", "T11": "closed stderr",
    "T12": "too little memory", "T13": "number of threads", "T14": "reproducibility", "T15": "several writers",
    "T16": "reader during a write", "T17": "the loss shown", "T18": "checkpoints that do not fit",
    "O1": "output cannot be written", "O2": "disk full", "O3": "the n-th call fails", "O4": "FIFO and devices",
    "O5": "symbolic link", "O6": "file mode", "O7": "output is an input", "O8": "binary to a terminal",
    "O9": "no tofile", "O10": "exports of several files", "O11": "the library's save_file", "O12": "padded matrix",
    "E1": "closed pipe", "E2": "locale", "E3": "argument with invalid UTF-8", "E4": "control characters",
    "E5": "markup in the map", "E6": "formulas in TSV", "E7": "cache not writable", "E8": "cache damaged",
    "E9": "cache in a shared place", "E10": "parallel first runs", "E11": "no Matplotlib, letters without a font",
    "E12": "absurd values", "E13": "internal error",
}  # fmt: skip
#: What no test proves yet.
OPEN: set[str] = set()


def proofs():
    """Id -> the tests that name it."""
    found = {name: [] for name in FAULTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named = re.findall(r"\b[CMTOE]\d{1,2}\b", ast.get_docstring(node) or "")
                by_name = re.match(r"test_([cmtoe]\d{1,2})_", node.name)
                for name in dict.fromkeys([*named, *([by_name[1].upper()] if by_name else [])]):
                    assert name in FAULTS, f"{path.name}: {node.name} names {name}"
                    place = " ".join([*path.parent.relative_to(TESTS).parts, path.stem.removeprefix("test_")])
                    found[name].append(f"`{place}` {node.name.removeprefix('test_')}")
    return found


def table():
    """The coverage as Markdown."""
    lines = ["# Which test proves which promise", "", "| id | fault | tests |", "|---|---|---|"]
    for name, tests in proofs().items():
        shown = "<br>".join(test.replace("_", " ") for test in tests) or "none yet"
        lines.append(f"| {name} | {FAULTS[name]} | {shown} |")
    return "\n".join(lines) + "\n"


def test_every_promise_has_a_test():
    assert {name for name, tests in proofs().items() if not tests} == OPEN


def test_the_table_is_up_to_date():
    assert TABLE.read_text() == table()


if __name__ == "__main__":
    sys.stdout.write(table())
