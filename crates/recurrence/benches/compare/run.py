"""Ten ordinary rules beside python-dateutil, rrule.js and libical, in one run, as ratios.

    cargo rustc --profile guest --target wasm32-wasip2 -p perennial-recurrence --example bench-wasm -- \\
        -C link-arg=--skip-wit-component
    pip install python-dateutil wasmtime; apt-get install libical-dev; (cd crates/recurrence/benches/compare && npm ci)
    python3 crates/recurrence/benches/compare/run.py target/wasm32-wasip2/guest/examples/bench_wasm.wasm
"""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
RULES = (HERE / "rules.txt").read_text()


def run(*command, cwd=None):
    done = subprocess.run(command, input=RULES, capture_output=True, text=True, check=True, cwd=cwd)
    return {line["rule"]: line for line in map(json.loads, done.stdout.splitlines())}


def main(module):
    binary = pathlib.Path(tempfile.mkdtemp()) / "libical"
    subprocess.run(["cc", "-O2", HERE / "libical.c", "-o", binary, "-lical"], check=True)
    engines = {
        "ours": run("cargo", "bench", "-q", "--profile", "guest", "-p", "perennial-recurrence", "--bench", "native", cwd=HERE.parents[1]),
        "wasm": run(sys.executable, HERE / "wasm_times.py", module),
        "libical": run(binary),
        "rrule.js": run("node", "rrulejs.mjs", cwd=HERE),
        "dateutil": run(sys.executable, HERE / "dateutil_times.py"),
    }
    others = ["libical", "rrule.js", "dateutil"]
    for what in ["next", "thousand", "first"]:
        print(f"\n{what}: microseconds; times faster than the fastest other, natively and as wasm")
        print("".join(f"{name:>11}" for name in engines) + "   native     wasm")
        for rule in RULES.split():
            times = {name: answers[rule][what] / 1000 for name, answers in engines.items()}
            fastest = min(times[name] for name in others)
            row = "".join(f"{times[name]:11.2f}" for name in engines)
            print(f"{row} {fastest / times['ours']:7.1f}x {fastest / max(times['wasm'], 0.001):7.1f}x  {rule}")
    print("\nfirst parse and first occurrence in a fresh wasm instance: microseconds with the call from outside")
    print("(goal: 100), and of that call alone")
    for rule in RULES.split():
        times = engines["wasm"][rule]
        print(f"{times['fresh'] / 1000:11.1f} {times['idle'] / 1000:11.1f}  {rule}")


main(pathlib.Path(sys.argv[1]).resolve())
