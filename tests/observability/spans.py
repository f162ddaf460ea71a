"""Spans as Spin and a sidecar send them, with what the collector adds in a cluster (`app`), in OTLP's JSON."""

import json
import time

NOW = time.time_ns()


def attributes(of):
    return [{"key": key, "value": {"intValue" if isinstance(value, int) else "stringValue": value}} for key, value in of.items()]


def span(place, kind, milliseconds, of):
    return {
        "traceId": f"{place:032x}",
        "spanId": f"{place:016x}",
        "name": f"span with an id {place}",
        "kind": kind,
        "startTimeUnixNano": str(NOW - milliseconds * 1_000_000),
        "endTimeUnixNano": str(NOW),
        "attributes": attributes(of),
    }


def request(place, milliseconds, status):
    about = {"http.request.method": "POST", "http.route": "/...", "http.response.status_code": status, "url.path": f"/v1/tasks/{place}"}
    return span(place, 2, milliseconds, about)


SPANS = [
    request(1, 150, 200),
    request(2, 30, 503),
    request(3, 2500, 503),
    span(4, 3, 10, {"http.request.method": "POST", "dapr.protocol": "http", "dapr.status_code": "204"}),
]
RESOURCE = {"service.name": "spin", "k8s.namespace.name": "perennial", "app": "task-api"}
print(json.dumps({"resourceSpans": [{"resource": {"attributes": attributes(RESOURCE)}, "scopeSpans": [{"scope": {"name": "spin"}, "spans": SPANS}]}]}))
