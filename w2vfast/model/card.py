"""The model card: what a model is, as a README with front matter, for people and for the Hugging Face hub."""

import json
from typing import Any

_NAMES = {"sg": "skip-gram", "cbow": "CBOW"}
_LOSSES = {"ns": "negative sampling", "hs": "hierarchical softmax", "softmax": "the full softmax"}


def model_card(params: dict[str, Any], corpus: dict[str, Any], generator: str) -> str:
    """Return a README for a model.

    Parameters
    ----------
    params, corpus, generator
        Its provenance, as in the model file.
    """
    front = {"library_name": "w2vfast", "tags": ["word2vec", "word-embeddings", "static-embeddings"]}
    for name in ("license", "language"):
        if isinstance(params.get(name), str):
            front[name] = params[name]
    lines = ["---", *(f"{name}: {json.dumps(value)}" for name, value in front.items()), "---", ""]
    lines += ["# Word vectors", "", f"Made by {generator or 'an unknown trainer'}.", ""]
    if params:
        model, loss = _NAMES.get(str(params.get("model"))), _LOSSES.get(str(params.get("loss", "ns")))
        lines += [f"## Training{f': {model} with {loss}' if model and loss else ''}", "", *_table(params)]
    if corpus:
        lines += ["## Corpus", "", *_table(corpus)]
    lines += [
        "## Use", "", "```python", "import w2vfast", "", 'emb = w2vfast.load("model.w2v")',
        'emb.most_similar("king")', "```", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _table(values: dict[str, Any]) -> list[str]:
    """Return Markdown rows of names and values; what would end a cell is escaped."""
    cells = [(name, json.dumps(value, ensure_ascii=False).replace("|", "\\|")) for name, value in values.items()]
    return ["| name | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in cells), ""]
