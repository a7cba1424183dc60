"""Accuracy of models on analogies and word similarities, side by side.

    python benchmarks/quality.py MODEL... --analogies questions-words.txt --similarity wordsim353.tsv ...

A MODEL is a model.w2v or a word2vec text file of any trainer. Words are compared lower-cased. Analogies are
answered by 3CosAdd among the --top most frequent words of each model (text files: the first ones), a question
with an unknown word is skipped, and the number answered stands beside the score. Similarity is Spearman's rho
x 100 over the pairs whose words are both known.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from w2vfast.model.contents import Contents
from w2vfast.model.embeddings import Embeddings
from w2vfast.vocab import Vocab


def read(path: str) -> Embeddings:
    """Read a model file, or a word2vec text file."""
    with open(path, "rb") as file:
        if file.read(9)[8:] == b"{":
            return Embeddings.load(path, with_context=False)
        file.seek(0)
        n_words, dim = map(int, file.readline().split())
        words, vectors = [], np.empty((n_words, dim), np.float32)
        for row, line in enumerate(file):
            fields = line.rstrip().rsplit(b" ", dim)
            words.append(fields[0].decode("utf-8", "replace"))
            vectors[row] = np.array(fields[1:], dtype=np.float32)
    return Embeddings(Contents(vectors, Vocab(words, np.zeros(n_words, np.int64))))


def analogies(model: Embeddings, path: str, top: int) -> tuple[float, int]:
    """Return the share of questions answered right, in percent, and how many were answered."""
    unit = model.vectors[:top] / model.norms[:top, None]
    index = {word.lower(): i for i, word in reversed(list(enumerate(model.vocab.words[:top])))}
    lines = (line.lower().split() for line in Path(path).read_text().splitlines() if line[:1] != ":")
    known = [[index[word] for word in line] for line in lines if all(word in index for word in line)]
    n_right = 0
    for first in range(0, len(known), 1000):
        a, b, c, d = np.array(known[first : first + 1000]).T
        scores = (unit[b] - unit[a] + unit[c]) @ unit.T
        rows = np.arange(len(a))
        for word in (a, b, c):
            scores[rows, word] = -np.inf
        n_right += int((scores.argmax(axis=1) == d).sum())
    return 100 * n_right / max(len(known), 1), len(known)


def similarity(model: Embeddings, path: str) -> tuple[float, int]:
    """Return Spearman's rho x 100 and the number of pairs."""
    index = {word.lower(): i for i, word in reversed(list(enumerate(model.vocab)))}
    pairs = []
    for line in Path(path).read_text().splitlines():
        fields = line.lower().split("\t")
        if len(fields) >= 3 and fields[0] in index and fields[1] in index:
            pairs.append((index[fields[0]], index[fields[1]], float(fields[2])))
    a, b, gold = map(np.array, zip(*pairs, strict=True))
    cosine = np.einsum("ij,ij->i", model.vectors[a], model.vectors[b]) / model.norms[a] / model.norms[b]
    return 100 * float(np.corrcoef(ranks(cosine), ranks(gold))[0, 1]), len(pairs)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--analogies", nargs="*", default=[])
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--top", type=int, default=30_000)
    parser.add_argument("--json", action="store_true", help="one JSON object a model")
    args = parser.parse_args()
    for path in args.models:
        model = read(path)
        scores = {Path(p).stem: analogies(model, p, args.top) for p in args.analogies}
        scores |= {Path(p).stem: similarity(model, p) for p in args.similarity}
        if args.json:
            print(json.dumps({"model": path, "scores": scores}))
        else:
            print(f"{path:30}", *(f"{name} {score:.1f} ({n})" for name, (score, n) in scores.items()), sep="  ")


if __name__ == "__main__":
    main()
