"""Write the tables of README.md and benchmarks/README.md from the stored results.

    python benchmarks/tables.py            writes them
    python benchmarks/tables.py --check    exits with 1 if they differ from the results

A table stands between <!-- table: NAME --> and <!-- end -->.
"""

import json
import re
import sys
from pathlib import Path

import compare
import defaults
import deterministic
import distributed
import kernels
import objectives
import queries
import reading
import scaling

HERE = Path(__file__).parent
#: The scripts whose results have their names; the others are of compare.py.
SCRIPTS = {
    "defaults": defaults, "deterministic": deterministic, "distributed": distributed, "kernels": kernels,
    "objectives": objectives, "queries": queries, "reading": reading,
}  # fmt: skip
PAGES = [HERE.parent / "README.md", HERE / "README.md"]


def measured(name: str) -> str:
    """Return a measurement with the command that made it and the machine it ran on."""
    result = json.loads((HERE / "results" / f"{name}.json").read_text())
    if name == "scaling":
        table = scaling.table(result["sweeps"]) + "\n\n" + scaling.accuracy_table(result["accuracy"])
    else:
        table = SCRIPTS.get(name.partition("-")[0], compare).table(result["rows"])
    return f"`{result['command']}`\n\n{table}{about(result.get('machine'))}"


def about(computer: dict | None) -> str:
    """Return what a measurement ran on, if that was stored."""
    if computer is None:
        return ""
    packages = ", ".join(f"{name} {number}" for name, number in computer["packages"].items() if name != "w2vfast")
    return f"\n\n{computer['processor']}, {computer['cores']} cores; Python {computer['python']}, {packages}"


def soak() -> str:
    """Return the last result of scripts/soak."""
    rows = json.loads((HERE / "results" / "soak.json").read_text())["rows"]
    lines = [f"| {row['fault']} | {row['tried']:,} | {row['whole']:,} |" for row in rows]
    return "\n".join(["| fault | tried | whole afterwards |", "|---|---|---|", *lines])


def filled(text: str) -> str:
    """Return a page with its tables made anew."""

    def fill(match: re.Match) -> str:
        name = match[1]
        table = soak() if name == "soak" else measured(name)
        return f"<!-- table: {name} -->\n\n{table}\n\n<!-- end -->"

    return re.sub(r"<!-- table: (\S+) -->.*?<!-- end -->", fill, text, flags=re.S)


def main() -> None:
    differ = [page for page in PAGES if filled(page.read_text()) != page.read_text()]
    if "--check" in sys.argv:
        sys.exit(f"made by hand or out of date: {', '.join(map(str, differ))}" if differ else 0)
    for page in differ:
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
