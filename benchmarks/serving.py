"""Requests per second and p99 of `hornbook serve` beside a service written by hand, by wrk; the table of docs/serve.md.

    python benchmarks/serving.py [--seconds 10] [--rounds 3] [--write]
    python benchmarks/serving.py --soak MINUTES

Needs the extras onnx and serve, and wrk (apt-get install wrk). Both services run on one machine with wrk, one after the other
in alternation; the medians are shown. `--soak` keeps 32 clients busy and prints the memory of the service each 30 seconds.
"""

import argparse
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "serve.md"
BLOCK = re.compile("<!-- table -->.*?<!-- end -->", re.DOTALL)
CLIENTS = (1, 32, 256)
RECIPE = """data: digits
model: {name: mlp, units: [300, 100]}
activation: relu
training: {epochs: 5, engine: graph}
"""
LUA = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[%s]==]\n'
MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_port():
    """Return a port that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def started(command, port, path, folder):
    """Return a process that answers."""
    process = subprocess.Popen(
        command, cwd=folder, stderr=(folder / "log").open("a"), env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").close()
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit((folder / "log").read_text())


def wrk(url, script, clients, seconds):
    """Return requests per second, p99 in milliseconds, and how many were no answers."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return rate, float(number) * MILLISECONDS[unit], int(bad[1]) if bad else 0


def cpu_s(process):
    """Return the processor time of a process in seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(process):
    """Return the resident memory of a process."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def table(found):
    """Return medians as Markdown."""
    lines = ["| clients | | requests per second | p99 ms | CPU ms per request |", "| --- | --- | --- | --- | --- |"]
    for clients in CLIENTS:
        rates = {}
        for name in ("hornbook serve", "by hand"):
            rows = found[clients, name]
            rates[name], p99, cost = (statistics.median(row[place] for row in rows) for place in range(3))
            lines.append(f"| {clients} | {name} | {rates[name]:,.0f} | {p99:.1f} | {cost:.2f} |")
        lines.append(f"| | | × {rates['hornbook serve'] / rates['by hand']:.1f} | | |")
    return "\n".join(lines)


def main():
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    parser.add_argument("--only", type=int, choices=CLIENTS)
    parser.add_argument("--write", action="store_true", help="put the table into docs/serve.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "digits.yaml").write_text(RECIPE)
        hornbook = [sys.executable, "-m", "hornbook"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [*hornbook, "train", "--config", "digits.yaml", "--quiet"],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            [*hornbook, "export", "digits", "--to", "onnx", "-o", "model.onnx"],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (folder / "post.lua").write_text(
            LUA % json.dumps({"inputs": load_digits().images[:1].astype(np.uint8)[..., None].tolist()})
        )
        ours, theirs = free_port(), free_port()
        services = {
            "hornbook serve": (
                started([*hornbook, "serve", "digits", "--port", str(ours)], ours, "/v2", folder),
                f"http://127.0.0.1:{ours}/predict/digits",
            )
        }
        try:
            if arguments.soak:
                soak(*services["hornbook serve"], folder, arguments.soak)
                return
            by_hand = [sys.executable, str(ROOT / "benchmarks" / "serving_by_hand.py"), "model.onnx", str(theirs)]
            services["by hand"] = (started(by_hand, theirs, "/docs", folder), f"http://127.0.0.1:{theirs}/predict")
            measure(services, folder, arguments)
        finally:
            for process, _ in services.values():
                process.terminate()
                process.wait()


def measure(services, folder, arguments):
    """Run wrk on both services in alternation."""
    found = {}
    for _, url in services.values():
        wrk(url, folder / "post.lua", 32, 2)
    for round_ in range(arguments.rounds):
        for clients in (arguments.only,) if arguments.only else CLIENTS:
            for name in sorted(services, reverse=round_ % 2 == 0):
                process, url = services[name]
                before = cpu_s(process)
                rate, p99, bad = wrk(url, folder / "post.lua", clients, arguments.seconds)
                cost = (cpu_s(process) - before) / (rate * arguments.seconds) * 1e3
                found.setdefault((clients, name), []).append((rate, p99, cost))
                load = os.getloadavg()[0]
                print(
                    f"{clients:>4} {name:<15} {rate:>9,.0f}/s  p99 {p99:>7.1f} ms  {cost:.3f} ms CPU, {bad} refused, load {load:.1f}",
                    flush=True,
                )
    if arguments.only:
        return
    text = table(found)
    print(text)
    if arguments.write:
        PAGE.write_text(
            BLOCK.sub(lambda _: f"<!-- table -->\n{text}\n<!-- end -->", PAGE.read_text(encoding="utf-8")),
            encoding="utf-8",
        )


def soak(process, url, folder, minutes):
    """Keep 32 clients busy for so long, a third of the time with requests that are wrong, and print what the service takes."""
    (folder / "wrong.lua").write_text(LUA % json.dumps({"inputs": [[[["a"]]]]}))
    began, answered = time.monotonic(), 0
    while time.monotonic() - began < minutes * 60:
        rate, p99, bad = wrk(url, folder / "post.lua", 32, 20)
        answered += round(rate * 20)
        _, _, wrong = wrk(url, folder / "wrong.lua", 32, 10)
        print(
            f"{time.monotonic() - began:>5.0f} s  {answered:>9,} answers, {bad} refused; {wrong:,} wrong ones; p99 {p99:.1f} ms, {memory_mb(process):.1f} MB",
            flush=True,
        )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    main()
