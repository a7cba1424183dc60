"""A map of words as one HTML file that needs no network.

Words can contain anything. They reach the page as JSON in a block that is not run, with <, > and & escaped, and
are shown by ``textContent`` and on a canvas only. A content security policy lets nothing but the page's own script
and style run, told by their hashes, and nothing be loaded.
"""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files

import numpy as np

from w2vfast.pictures.wordmap import WordMap

_PAGE = files("w2vfast.pictures") / "page"
_SCALE = 10_000  # points are whole numbers from minus to plus this
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def webpage(word_map: WordMap) -> str:
    """Return the page of a map."""
    style, script = ((_PAGE / name).read_text("utf-8") for name in ("map.css", "map.js"))
    values = {
        "title": html.escape(word_map.title),
        "policy": (
            f"default-src 'none'; script-src {_hash_of(script)}; style-src {_hash_of(style)}; "
            "base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "script": script,
        "data": safe_json(_data(word_map)),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: values[place[1]], (_PAGE / "map.html").read_text("utf-8"))


def safe_json(value: object) -> str:
    """Return JSON that can stand in HTML: nothing in it can end a script block or begin a tag."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def _hash_of(source: str) -> str:
    """Return the hash by which a policy knows a script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _data(word_map: WordMap) -> dict[str, object]:
    points = np.rint(word_map.points * _SCALE).astype(int)
    return {
        "title": word_map.title,
        "method": word_map.method,
        "scale": _SCALE,
        "words": word_map.words,
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "classes": word_map.classes.tolist(),
        "ranks": word_map.ranks,
        "counts": word_map.counts if any(word_map.counts) else None,
        "neighbours": [[i for i, _ in row] for row in word_map.neighbours],
        "scores": [[round(100 * score) for _, score in row] for row in word_map.neighbours],
    }
