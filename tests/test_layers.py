"""The layer rule: a floor imports only lower ones, and each heavy library has its place."""

import ast
import sys
from pathlib import Path

import pytest

import w2vfast

ROOT = Path(__file__).parents[1] / "w2vfast"
#: From the lowest floor to the highest; parts of one floor do not import each other.
FLOORS = [
    ["errors", "_jit", "wording", "objectives"],
    ["vocab", "kernels", "system"],
    ["corpus"],
    ["model"],
    ["pictures"],
    ["training"],
    ["distributed"],
    ["commands"],
    ["cli"],
]
#: The package's own two modules stand above all floors.
TOP = {"__init__", "__main__"}
#: Where names live that the package itself offers.
HOMES = {name: home.split(".")[1] for name, home in w2vfast._HOMES.items()} | {
    "load": "model",
    "__version__": "errors",
}
#: Who may import a library; everybody else must not. The standard library and NumPy are free to all.
PLACES = {
    "numba": {"kernels", "_jit"},
    "llvmlite": {"kernels", "_jit"},
    "click": {"commands", "cli"},
    "tqdm": {"training/monitor.py"},
    "dask": {"distributed/dask_engine.py"},
    "distributed": {"distributed/dask_engine.py"},
    "fsspec": {"distributed/store.py"},
    "matplotlib": {"pictures/charts.py"},
    "sklearn": {"pictures/layout.py"},
    "umap": {"pictures/layout.py"},
    "scipy": {"training/association.py"},
    "gensim": {"model/vectors.py"},
    "computed": {"corpus/sources.py"},  # a name that no literal tells: here from a table of decompressors
    "safetensors": {
        "model/packed.py",
        "model/tensors.py",
        "corpus/container.py",
    },
}
KERNELS_MAY_IMPORT = {"numpy", "numba", "llvmlite", "typing", "collections", "inspect", "w2vfast"}


def imported(node):
    """Names that a piece of code imports, or takes from the package: all of them, whatever they are."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        is_own = node.module and node.module.partition(".")[0] == "w2vfast"
        own = {f"{node.module}.{alias.name}" for alias in node.names} if is_own else set()
        return own if node.module == "w2vfast" else own | {node.module}
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "w2vfast":
        return {f"w2vfast.{node.attr}"}
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__"):
        name = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
        return {name.value if isinstance(name, ast.Constant) else "computed"}
    return set()


def modules(root):
    """Path below the root -> names that it imports, in functions too; imports for type checkers only excluded."""
    result = {}
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        names = set()
        for node in ast.walk(tree):
            names |= imported(node)
            assert not isinstance(node, ast.ImportFrom) or node.level == 0, f"{path}: relative import"
        result[path.relative_to(root).as_posix()] = names
    return result


def floor_of(part):
    """The number of a top-level module's floor; the package itself and its entry stand above all."""
    return next((i for i, names in enumerate(FLOORS) if part in names), len(FLOORS) if part in TOP else None)


def violations(imports):
    """Every import that the rule forbids, and every part without a place in it."""
    found = []
    for path, names in imports.items():
        part = path.split("/")[0].removesuffix(".py")
        if floor_of(part) is None:
            found.append(f"{path} is on no floor")
        elif part not in TOP:
            found += [f"{path} imports {name}" for name in names if not is_allowed(path, part, name)]
    return found


def is_allowed(path, part, name):
    """Tell whether a module of a part may import something."""
    library, _, rest = name.partition(".")
    if library != "w2vfast":
        is_free = library in sys.stdlib_module_names or library == "numpy"
        is_placed = bool(PLACES.get(library, set()) & {part, path})
        return (is_free or is_placed) and (part != "kernels" or library in KERNELS_MAY_IMPORT)
    first = rest.split(".")[0]
    target = HOMES.get(first, first)
    if floor_of(target) is None:  # also the package itself, whose names live on many floors
        return False
    if part == "kernels" and target not in ("kernels", "_jit"):
        return False
    return target == part or floor_of(target) < floor_of(part) or first == "__version__"


def test_no_module_imports_from_above():
    assert violations(modules(ROOT)) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("model/x.py", "from w2vfast.training.config import TrainConfig"),
        ("kernels/x.py", "from w2vfast.errors import UsageError"),
        ("kernels/x.py", "import click"),
        ("training/x.py", "def f():\n    import numba"),
        ("corpus/x.py", "from w2vfast import cli"),
        ("system/x.py", "from w2vfast.vocab import Vocab"),
        ("commands/x.py", "import tqdm"),
        ("vocab.py", "import w2vfast.model.native"),
        ("corpus/x.py", "from w2vfast import train"),
        ("corpus/x.py", "from w2vfast import Embeddings, load"),
        ("corpus/x.py", "from w2vfast import load"),
        ("corpus/x.py", "from w2vfast import nowhere"),
        ("model/x.py", "import w2vfast\nw2vfast.train()"),
        ("model/x.py", "import w2vfast as w\nw.train()"),
        ("model/x.py", "import w2vfast.errors\nw2vfast.train()"),
        ("errors.py", "import w2vfast.objectives"),
        ("objectives.py", "import w2vfast.cli"),
        ("objectives.py", "import w2vfast.errors"),
        ("newpart/x.py", "import w2vfast.cli"),
        ("newpart.py", ""),
        ("model/x.py", "import w2vfast.newpart"),
        ("model/x.py", "import importlib\nimportlib.import_module('w2vfast.training.run')"),
        (
            "model/x.py",
            "from importlib import import_module as i, import_module\nimport_module(f'w2vfast.cli.{1}')",
        ),
        ("model/x.py", "__import__('w2vfast.training')"),
        ("model/x.py", "import importlib\nname = 'click'\nimportlib.import_module(name)"),
        *[
            ("model/x.py", f"import {name}")
            for name in ("scipy", "zstandard", "sklearn", "umap", "matplotlib", "dask")
        ],
        ("model/x.py", "from scipy.sparse import csr_array"),
        ("model/x.py", "import some_other_library"),
    ],
)
def test_the_rule_can_fail(tmp_path, path, line):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(line)
    assert len(violations(modules(tmp_path))) >= 1


def circles(imports):
    """Modules that import themselves through others."""
    names = {f"w2vfast.{p.removesuffix('.py').replace('/', '.').removesuffix('.__init__')}": p for p in imports}
    below = {name: {n for n in imports[path] if n in names and n != name} for name, path in names.items()}
    while leaves := [name for name, targets in below.items() if not targets & below.keys()]:
        for name in leaves:
            del below[name]
    return set(below)


def test_there_are_no_circles(tmp_path):
    assert circles(modules(ROOT)) == set()
    (tmp_path / "a.py").write_text("import w2vfast.b")
    (tmp_path / "b.py").write_text("from w2vfast import a")
    assert circles(modules(tmp_path)) == {"w2vfast.a", "w2vfast.b"}


def test_nothing_unpickles_or_assumes_that_nan_cannot_be():
    """M1, T3, O9."""
    banned = ("import pickle", "pickle.load", "marshal", "shelve", "literal_eval", "allow_pickle=True", ".tofile(")
    for path in ROOT.rglob("*.py"):
        code = path.read_text()
        for word in (*banned, "fastmath=True", '"nnan"', '"ninf"'):
            assert word not in code, f"{path}: {word}"
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in ("eval", "exec")], path


def test_files_and_functions_stay_short():
    """Files at most 400 lines, functions at most 50 without their docstring."""
    for path in ROOT.rglob("*.py"):
        code = path.read_text()
        assert code.count("\n") <= 400, path
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.FunctionDef):
                text = ast.get_docstring(node, clean=False) or ""
                assert node.end_lineno - node.lineno - text.count("\n") <= 50, f"{path}: {node.name}"
