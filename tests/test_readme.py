"""The README's commands work as printed."""

import gzip
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import QUESTIONS, SAMPLE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def tour():
    """The fenced blocks that are marked to be run: (language, code)."""
    return re.findall(r"<!-- tour -->\n```(\w+)\n(.*?)```", README, re.S)


def test_the_tour_works_as_printed(tmp_path):
    """E6 is documented there."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    shown = {}
    data = tmp_path / "w2vfast" / "data"
    data.mkdir(parents=True)
    for path in (SAMPLE, QUESTIONS):
        (data / path.name).write_bytes(path.read_bytes())
    has_dask = importlib.util.find_spec("distributed") is not None
    for language, code in tour():
        if "local:2" in code and not has_dask:
            continue
        command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
        place = tmp_path if language == "sh" else tmp_path / "python"
        if language == "python":  # away from the folder w2vfast/
            place.mkdir()
            (place / "corpus.txt").write_bytes((tmp_path / "corpus.txt").read_bytes())
        result = subprocess.run(command, cwd=place, capture_output=True, timeout=120, env=env)
        # head ends before similar does: that is a death by SIGPIPE, not an error
        assert result.returncode in (0, 141), code + result.stderr.decode()
        shown[code] = result.stdout.decode()
    check_tour(tmp_path, lambda part: next(text for code, text in shown.items() if part in code))


def check_tour(folder, shown):
    """What the blocks must have printed or written; ``shown`` finds a block's output by a part of its code."""
    first = shown("gzip -dc")
    assert first.count("\nking\t") == 9 + 20
    assert first.count("\n") == 10 + 60
    assert shown("echo king |").count("king\t") == 3
    assert '{"query": "king", "results"' in shown("echo king |")
    assert "tokyo" in shown("import w2vfast")
    answers = shown("w2vfast odd bread")
    assert "\ntokyo\t" in answers.replace("france paris japan\t", "\n")
    assert "soup harbor\tharbor\t" in answers
    assert "king - man + woman\tqueen\t" in answers
    assert shown("--table").count("total") == 1
    assert "checksums: verified" in shown("w2vfast info model.w2v")
    assert "<canvas" in (folder / "map.html").read_text()
    assert shown("vectors.txt.gz -k 3").count("king\t") == 3
    assert (folder / "projector" / "metadata.tsv").exists()
    assert (folder / "neighbours.tsv").read_text().count("\n") == 500
    assert shown("comm -23").count("\n") == 5
    assert (folder / "thesaurus.txt").read_text().count(": ") > 500
    assert "king" in shown("-m lines.txt").split("\t")[1]
    assert shown("pairs.tsv").startswith("king\tqueen\t")
    assert int(shown("paste answers")) > 500
    assert 1 <= shown("$2 == 29").count("\n") <= 10
    assert shown('"results"][0]["word"]').strip() in first
    assert shown("head -3 words.tsv").count("\n") == 3
    assert "words/s with" in shown("w2vfast plan")


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_the_commands_of_the_other_pages_work_as_printed(page, tmp_path):
    (tmp_path / "corpus.txt").write_bytes(gzip.decompress(SAMPLE.read_bytes()))
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for code in re.findall(r"<!-- tour -->\n```sh\n(.*?)```", page.read_text(), re.S):
        command = ["bash", "-euo", "pipefail", "-c", code]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, env=env)
        assert result.returncode == 0, code + result.stderr.decode()
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_command_is_mentioned_and_none_that_is_not_there():
    from w2vfast.cli import _COMMANDS

    mentioned = set(re.findall(r"(?:`|^|\| )w2vfast ([a-z-]+)", README, re.M)) - {"is", "per"}
    assert mentioned == set(_COMMANDS)


def test_tables_of_figures_are_made_from_stored_results():
    check = subprocess.run([sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True)
    assert check.returncode == 0, check.stderr.decode()


def test_scripts_are_executable_and_short():
    for name in ("scripts/setup", "scripts/demo", "scripts/test", "scripts/test_wheel", "scripts/soak", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK)
        assert len((ROOT / name).read_text().splitlines()) <= 20


def test_the_lowest_versions_are_those_of_the_package():
    wanted = dict(re.findall(r'"([a-z-]+)>=([\d.]+)"', (ROOT / "pyproject.toml").read_text()))
    for name, version in re.findall(r"^([a-z-]+)==([\d.]+)$", (ROOT / "tests" / "lowest.txt").read_text(), re.M):
        assert f"{version}.".startswith(f"{wanted[name]}."), name
