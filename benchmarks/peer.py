"""Train with one trainer and print a line of JSON; benchmarks/compare.py runs this in a process of its own.

    python benchmarks/peer.py NAME CORPUS OUTPUT '{"sg": true, "dim": 100, ...}'

The line has ``train_seconds``: training alone, without reading the vocabulary, compiling, loading or saving.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def w2vfast(corpus: str, output: str, o: dict) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        command = [
            "train", corpus, "-o", output, "-q", "--log-json", str(log), "--model", "sg" if o["sg"] else "cbow",
            "--dim", o["dim"], "--window", o["window"], "--neg", o["neg"], "--sample", o["sample"],
            "--min-count", o["min_count"], "--epochs", o["epochs"], "--threads", o["threads"],
            "--seed", o["seed"], "--negatives-per", o.get("negatives_per", "window"),
        ]  # fmt: skip
        if "cbow_grad" in o:
            command += ["--cbow-grad", o["cbow_grad"]]
        if "alpha" in o:
            command += ["--alpha", o["alpha"]]
        subprocess.run([sys.executable, "-m", "w2vfast", *map(str, command)], check=True)
        return json.loads(log.read_text().splitlines()[-1])["seconds"]


def gensim(corpus: str, output: str, o: dict, *, from_file: bool) -> float:
    from gensim.models.word2vec import LineSentence, Word2Vec

    model = Word2Vec(
        vector_size=o["dim"], window=o["window"], negative=o["neg"], sample=o["sample"],
        min_count=o["min_count"], sg=int(o["sg"]), workers=o["threads"], epochs=o["epochs"], seed=o["seed"],
        alpha=o.get("alpha", 0.025 if o["sg"] else 0.05),
    )  # fmt: skip
    text = {"corpus_file": corpus} if from_file else {"corpus_iterable": LineSentence(corpus)}
    model.build_vocab(**text)
    begin = time.perf_counter()
    model.train(
        **text, total_examples=model.corpus_count, total_words=model.corpus_total_words, epochs=o["epochs"]
    )
    seconds = time.perf_counter() - begin
    model.wv.save_word2vec_format(output)
    return seconds


def fasttext(corpus: str, output: str, o: dict) -> float:
    """Time from the speed in the last progress report, an average over the whole training."""
    import fasttext

    with tempfile.TemporaryFile() as report:
        before = os.dup(2)
        os.dup2(report.fileno(), 2)
        model = fasttext.train_unsupervised(
            corpus, model="skipgram" if o["sg"] else "cbow", dim=o["dim"], ws=o["window"], neg=o["neg"],
            t=o["sample"], minCount=o["min_count"], epoch=o["epochs"], thread=o["threads"], minn=0, maxn=0,
            lr=o.get("alpha", 0.025 if o["sg"] else 0.05), verbose=2,
        )  # fmt: skip
        os.dup2(before, 2)
        report.seek(0)
        speeds = re.findall(rb"words/sec/thread:\s+(\d+)", report.read())
    words, counts = model.get_words(include_freq=True)
    with open(output, "w") as file:
        file.write(f"{len(words)} {o['dim']}\n")
        for word in words:
            file.write(f"{word} {' '.join(f'{x:.6f}' for x in model.get_word_vector(word))}\n")
    return o["epochs"] * int(sum(counts)) / (int(speeds[-1]) * o["threads"])


def word2vec_c(corpus: str, output: str, o: dict) -> float:
    """Time from the first to the last progress report: the program has no other clock."""
    process = subprocess.Popen(
        [str(x) for x in (
            Path(sys.executable).parent / "word2vec", "-train", corpus, "-output", output, "-size", o["dim"],
            "-window", o["window"], "-negative", o["neg"], "-sample", o["sample"], "-hs", 0, "-binary", 0,
            "-min-count", o["min_count"], "-iter", o["epochs"], "-threads", o["threads"],
            "-cbow", int(not o["sg"]), "-alpha", o.get("alpha", 0.025 if o["sg"] else 0.05),
        )], stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    first = last = 0.0
    while text := process.stdout.read(4096):
        if b"Alpha" in text:
            last = time.perf_counter()
            first = first or last
    if process.wait():
        raise SystemExit("word2vec failed")
    return last - first


TRAINERS = {
    "w2vfast": w2vfast,
    "gensim (corpus_file)": lambda *args: gensim(*args, from_file=True),
    "gensim (iterable)": lambda *args: gensim(*args, from_file=False),
    "fastText": fasttext,
    "word2vec.c": word2vec_c,
}


def installed(name: str) -> bool:
    """Tell whether a trainer is there to be compared."""
    import importlib.util

    if name == "word2vec.c":
        return shutil.which("word2vec", path=str(Path(sys.executable).parent)) is not None
    return importlib.util.find_spec(name.split()[0].lower()) is not None


if __name__ == "__main__":
    name, corpus, output, options = sys.argv[1:]
    print(json.dumps({"train_seconds": TRAINERS[name](corpus, output, json.loads(options))}))
