"""Writes the tables of docs/performance.md from benchmarks/results: python benchmarks/table.py"""

import json
from pathlib import Path

from run import COMPARISONS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def comparisons(results: dict) -> list[str]:
    """Return the table of comparisons."""
    lines = [
        "| work | against | ours, s | theirs, s | ratio (lowest to highest) | target | limit, s | GFLOP/s | day |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    order = [row.name for row in COMPARISONS]
    limits = {name.split("-")[0]: row["peer_s"] for name, row in results["rows"].items() if name.endswith("-floor")}
    for row in sorted(
        results["rows"].values(), key=lambda row: order.index(row["name"]) if row["name"] in order else len(order)
    ):
        low, high = row["spread"]
        mark = "" if row["met"] else " **missed**"
        limit = limits.get(row["name"].split("-")[0])
        lines.append(
            f"| {row['what']} | {row['against']} | {row['ours_s']:.3f} | {row['peer_s']:.3f} | "
            f"{row['ratio']:.2f} ({low:.2f} to {high:.2f}) | {row['target']:.2f}{mark} | "
            f"{'' if limit is None else f'{limit:.3f}'} | {row['machine']['gflops']} | "
            f"{row['machine']['date']} |"
        )
    return lines


def resources(found: dict) -> list[str]:
    """Return the table of start-up, memory and scaling."""
    lines = ["| what | measured | target |", "|---|---|---|"]

    def mark(row: dict) -> str:
        return "" if row["met"] else " **missed**"

    if row := found.get("commands"):
        lines.append(
            f"| `hornbook --help`, `check`, `list` | {row['--help']:.2f}, {row['check']:.2f}, {row['list']:.2f} s | ≤ 0.3 s{mark(row)} |"
        )
    if row := found.get("memory"):
        lines.append(
            f"| peak memory, training fashion_mnist | {row['ours_mb']} MB; bare TensorFlow {row['bare_mb']} MB + data "
            f"{row['data_mb']} MB: {100 * (row['ratio'] - 1):+.0f} % | ≤ +25 %{mark(row)} |"
        )
    if row := found.get("fixed"):
        lines.append(f"| fixed cost of an epoch | {row['fixed_ms']:.1f} ms | ≤ 5 ms{mark(row)} |")
    if row := found.get("scaling"):
        each = ", ".join(f"{float(value):.2f} µs at {int(size):,}" for size, value in row["us_per_example"].items())
        lines.append(f"| time per example and epoch | {each} | within 15 %{mark(row)} |")
    return lines


def main() -> None:
    """Put the tables between the marks."""
    results = json.loads((HERE / "results" / "comparisons.json").read_text())
    found = json.loads((HERE / "results" / "resources.json").read_text())
    machine = max((row["machine"] for row in results["rows"].values()), key=lambda row: row["date"])
    about = (
        f"Measured {machine['date']} on {machine['cores']} cores of {machine['cpu']}, Python {machine['python']},\n"
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}. Seconds are per epoch after warm-up, of a search all\n"
        "of it. The limit of an epoch is what its products at their own shapes and the bytes that the optimizer moves take\n"
        "alone, in XLA loops of their own. The last columns are the rate of a 2,048 × 2,048 product when the row was measured,\n"
        "and the day."
    )
    table = "\n".join([about, "", *comparisons(results), "", *resources(found)])
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
