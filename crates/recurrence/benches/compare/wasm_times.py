"""Our times as WebAssembly under Wasmtime, in the form of benches/native.rs, and those of a fresh instance.

The module is `examples/bench-wasm.rs`; its functions repeat the work inside, so that the way in and out of the
sandbox is not what is measured.
"""

import json
import sys
import time

from wasmtime import Engine, FuncType, Linker, Module, Store


def median(values):
    return sorted(values)[len(values) // 2]


class Instance:
    """A fresh instance; what it imports from WASI (a seed for hash tables) is answered with zeros."""

    def __init__(self, engine, module):
        self.store = Store(engine)
        linker = Linker(engine)
        for wanted in module.imports:
            if isinstance(wanted.type, FuncType):
                answer = 0 if wanted.type.results else None
                linker.define_func(wanted.module, wanted.name, wanted.type, lambda *_, answer=answer: answer)
        self.exports = linker.instantiate(self.store, module).exports(self.store)

    def time(self, name, rule, calls):
        function = self.exports[name]
        begun = time.perf_counter_ns()
        function(self.store, rule, calls)
        return time.perf_counter_ns() - begun


def main(path, rules):
    engine = Engine()
    module = Module(engine, open(path, "rb").read())
    warm = Instance(engine, module)
    for number, rule in enumerate(rules):
        each = {
            name: min(warm.time(name, number, calls) for _ in range(5)) / calls
            for name, calls in [("first", 1000), ("next", 1000), ("thousand", 30)]
        }
        fresh = [Instance(engine, module).time("first", number, 1) for _ in range(200)]
        idle = [Instance(engine, module).time("first", number, 0) for _ in range(200)]
        print(json.dumps({"rule": rule, **each, "fresh": median(fresh), "idle": median(idle)}))


main(sys.argv[1], [line.strip() for line in sys.stdin])
