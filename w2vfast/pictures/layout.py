"""Points of a plane for vectors of many dimensions."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from w2vfast.errors import UsageError
from w2vfast.model.query import unit_rows

Method = Literal["pca", "tsne", "umap"]


def place(vectors: NDArray[np.float32], method: Method = "pca", *, seed: int = 1) -> NDArray[np.float64]:
    """Return a point for each vector, float64 (n, 2), between -1 and 1.

    Parameters
    ----------
    vectors
        float32 (n, D); they are scaled to length 1 first, so that the map shows directions.
    method
        "pca": the plane of the largest variance; "tsne", "umap": neighbourhoods, by scikit-learn and umap-learn.
    seed
        Of the draws of the last two.

    Raises
    ------
    UsageError
        The package that the method needs is not installed, or there are too few vectors for it.
    """
    units = unit_rows(vectors)
    if method == "pca":
        points = principal_plane(units)
    else:
        if len(units) < 10:
            raise UsageError(f"{method} needs at least 10 words, not {len(units)}; use --layout pca")
        points = _tsne(units, seed) if method == "tsne" else _umap(units, seed)
    points = points - (points.max(axis=0) + points.min(axis=0)) / 2
    return np.asarray(points / max(float(np.abs(points).max()), 1e-12))


def principal_plane(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the coordinates of rows (n, D) along their two principal components, float64 (n, 2).

    The components are the eigenvectors of the covariance (D, D) with the largest eigenvalues; each is turned so
    that its largest entry is positive.
    """
    centered = rows.astype(np.float64)
    centered -= centered.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    plane = axes[:, ::-1][:, :2]
    plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), np.arange(plane.shape[1])])
    points = np.zeros((len(rows), 2))
    points[:, : plane.shape[1]] = centered @ plane
    return points


def _tsne(units: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise UsageError("--layout tsne needs: pip install 'w2vfast[tsne]'") from None
    perplexity = min(30.0, (len(units) - 1) / 3)
    model = TSNE(metric="cosine", init=principal_plane(units) * 1e-4, perplexity=perplexity, random_state=seed)
    return np.asarray(model.fit_transform(units), np.float64)


def _umap(units: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    try:
        from umap import UMAP
    except ImportError:
        raise UsageError("--layout umap needs: pip install 'w2vfast[umap]'") from None
    model = UMAP(metric="cosine", n_neighbors=min(15, len(units) - 1), init="pca", random_state=seed, n_jobs=1)
    return np.asarray(model.fit_transform(units), np.float64)
