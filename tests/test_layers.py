"""The layer rule: a floor imports only lower ones, and each heavy library has its place."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "w2vfast"
#: From the lowest floor to the highest; modules of one entry may import each other, without circles.
FLOORS = [
    ["errors", "_jit", "wording"],
    ["vocab", "kernels", "system"],
    ["corpus"],
    ["model"],
    ["pictures"],
    ["training"],
    ["distributed"],
    ["commands"],
    ["cli"],
]
#: Who may import a library; everybody else must not.
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
    "safetensors": {
        "model/native.py",
        "model/tensors.py",
        "model/formats/folders.py",
        "corpus/container.py",
    },
}
KERNELS_MAY_IMPORT = {"numpy", "numba", "llvmlite", "typing", "collections", "inspect", "w2vfast"}


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
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                names.add(node.module)
                if node.module.partition(".")[0] == "w2vfast":
                    names |= {f"{node.module}.{alias.name}" for alias in node.names}
        result[path.relative_to(root).as_posix()] = names
    return result


def floor_of(part):
    """The number of a top-level module's floor; the package itself and its entry stand above all."""
    return next((i for i, names in enumerate(FLOORS) if part in names), len(FLOORS))


def violations(imports):
    """Every import that the rule forbids."""
    found = []
    for path, names in imports.items():
        part = path.split("/")[0].removesuffix(".py")
        for name in names:
            library, _, rest = name.partition(".")
            target = rest.split(".")[0]
            if library == "w2vfast" and rest and any(target in floor for floor in FLOORS):
                same = FLOORS[floor_of(part)] if floor_of(part) < len(FLOORS) else []
                sideways = floor_of(target) == floor_of(part) and target != part and target in same
                if floor_of(target) > floor_of(part) or sideways:
                    found.append(f"{path} imports {name}")
            if library in PLACES and not PLACES[library] & {part, path}:
                found.append(f"{path} imports {name}")
            if part == "kernels" and library not in KERNELS_MAY_IMPORT:
                found.append(f"{path} imports {name}")
            if part == "kernels" and library == "w2vfast" and target not in ("kernels", "_jit", ""):
                found.append(f"{path} imports {name}")
    return found


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
