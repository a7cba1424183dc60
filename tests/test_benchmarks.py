"""The benchmark scripts that reach into the package keep up with it."""

import ast
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(("model", "module"), [("sg", "sgns"), ("cbow", "cbow")])
def test_the_steps_that_are_timed_are_lines_of_the_kernels(model, module, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    steps = runpy.run_path(str(FOLDER / "kernels.py"))["STEPS"][model]
    source = Path(import_module(f"w2vfast.kernels.{module}").__file__).read_text()
    for line, instead in steps.values():
        assert line in source
        ast.parse(source.replace(line, instead))


@pytest.mark.parametrize("script", ["kernels", "deterministic", "defaults", "objectives", "reading"])
def test_scripts_explain_themselves(script):
    done = subprocess.run([sys.executable, FOLDER / f"{script}.py", "--help"], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"usage:" in done.stdout
