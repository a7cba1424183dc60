"""The README's commands work as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import SAMPLE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def tour():
    """The fenced blocks that are marked to be run: (language, code)."""
    return re.findall(r"<!-- tour -->\n```(\w+)\n(.*?)```", README, re.S)


def test_the_tour_works_as_printed(tmp_path):
    assert [language for language, _ in tour()] == ["sh", "sh", "python", "sh", "sh", "sh"]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    results = []
    (tmp_path / "w2vfast" / "data").mkdir(parents=True)
    (tmp_path / "w2vfast" / "data" / "sample.txt.gz").write_bytes(SAMPLE.read_bytes())
    for language, code in tour():
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
        place = tmp_path if language == "sh" else tmp_path / "python"
        if language == "python":  # away from the folder w2vfast/
            place.mkdir()
            (place / "corpus.txt").write_bytes((tmp_path / "corpus.txt").read_bytes())
        result = subprocess.run(command, cwd=place, capture_output=True, timeout=120, env=env)
        # head ends before similar does: that is a death by SIGPIPE, not an error
        assert result.returncode in (0, 141), result.stderr.decode()
        results.append(result.stdout.decode())
    assert results[0].count("\nking\t") == 9 + 20
    assert results[0].count("\n") == 10 + 60
    assert results[1].count("king\t") == 3
    assert '{"query": "king", "results"' in results[1]
    assert "tokyo" in results[2]
    assert results[3].count("king\t") == 3
    assert results[4].count("\n") == 3
    assert "words/s with" in results[5]


def test_every_command_is_mentioned_and_none_that_is_not_there():
    from w2vfast.cli import _COMMANDS

    mentioned = set(re.findall(r"(?:`|^|\| )w2vfast ([a-z]+)", README, re.M)) - {"is", "per"}
    assert mentioned == set(_COMMANDS)


def test_tables_of_figures_are_made_from_stored_results():
    check = subprocess.run([sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True)
    assert check.returncode == 0, check.stderr.decode()


def test_scripts_are_executable_and_short():
    for name in ("scripts/setup", "scripts/demo", "scripts/test", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK)
        assert len((ROOT / name).read_text().splitlines()) <= 20
