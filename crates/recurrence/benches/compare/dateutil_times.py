"""python-dateutil's times, in the form of benches/native.rs."""

import itertools
import json
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

ZONE = ZoneInfo("America/New_York")
START = datetime(2024, 1, 2, 9, tzinfo=ZONE)
AFTER = datetime(2026, 6, 1, tzinfo=ZONE)


def best(calls, call):
    def one_round():
        begun = time.perf_counter_ns()
        for _ in range(calls):
            call()
        return (time.perf_counter_ns() - begun) / calls

    return round(min(one_round() for _ in range(5)))


for line in sys.stdin:
    text = line.strip()
    rule = rrulestr(text, dtstart=START)
    times = {
        "rule": text,
        "first": best(200, lambda: next(iter(rrulestr(text, dtstart=START)))),
        "next": best(20, lambda: rule.after(AFTER)),
        "thousand": best(3, lambda: list(itertools.islice(rule, 1000))),
    }
    print(json.dumps(times))
