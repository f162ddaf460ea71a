# The collector, with the chart's own configuration: which figures come of which spans.

test_collector_makes_figures_of_spans() {
    local http grpc figures health
    read -r http grpc figures health < <(ports 4)
    "$bin/collector" --config="$files/collector/collector.yaml" \
        --config="yaml:receivers::otlp::protocols::http::endpoint: 127.0.0.1:$http" \
        --config="yaml:receivers::otlp::protocols::grpc::endpoint: 127.0.0.1:$grpc" \
        --config="yaml:exporters::prometheus::endpoint: 127.0.0.1:$figures" \
        --config="yaml:extensions::health_check::endpoint: 127.0.0.1:$health" >"$work/collector.out" 2>&1 &
    local pid=$!
    trap 'kill '"$pid"' 2>/dev/null; wait '"$pid"' 2>/dev/null || true' EXIT
    within 30 curl -sf "http://127.0.0.1:$health/" -o /dev/null || { cat "$work/collector.out"; return 1; }
    python3 "$here/spans.py" | curl -sf -H 'Content-Type: application/json' --data-binary @- "http://127.0.0.1:$http/v1/traces" -o /dev/null
    # A series begins at 0, so that its first growth is seen, and has what was counted one flush later.
    told() { curl -sf "http://127.0.0.1:$figures/metrics" >"$work/figures" && grep -q "^traces_span_metrics_calls_total{app=\"task-api\".*http_response_status_code=\"503\".*} $1\$" "$work/figures"; }
    within 60 told 0 || { cat "$work/figures" "$work/collector.out"; return 1; }
    within 60 told 2 || { cat "$work/figures" "$work/collector.out"; return 1; }

    # Names and labels are those that the list has.
    local metric label known
    for metric in traces_span_metrics_calls_total traces_span_metrics_duration_seconds_bucket traces_span_metrics_duration_seconds_count traces_span_metrics_duration_seconds_sum; do
        known=$(sed -n "s/^      $metric: .*\[\(.*\)\]/\1/p" "$files/metrics.yaml")
        [ -n "$known" ] || known=$(sed -n 's/.*&span \[\(.*\)\]/\1/p' "$files/metrics.yaml")
        for label in ${known//,/}; do
            grep -q "^$metric{.*\b$label=" "$work/figures" || { echo "$metric has no label $label"; cat "$work/figures"; return 1; }
        done
    done
    # 200 ms and 2 s are bounds; 150 ms is below the first.
    grep -q 'duration_seconds_bucket{app="task-api".*http_response_status_code="200".*le="0.2"} 1' "$work/figures"
    grep -q 'duration_seconds_bucket{app="task-api".*http_response_status_code="200".*le="0.1"} 0' "$work/figures"
    grep -q 'le="2"' "$work/figures"
    if grep 'span_name=' "$work/figures"; then return 1; fi
    echo "$(grep -c '^traces_span' "$work/figures") series"
}

# What is laid over it in a cluster. `k8s_attributes` and `azuremonitor` are in the image and not in this collector: of these files it is the
# rest that is read.
test_collector_overlays_are_read() {
    TRACES_ENDPOINT=jaeger:4317 "$bin/collector" validate --config="$files/collector/collector.yaml" --config="$files/collector/traces.yaml"
    refuses "'exporters' unknown type: \"azuremonitor\"" "$bin/collector" validate \
        --config="$files/collector/collector.yaml" --config="$files/collector/azure-monitor.yaml"
    refuses "'processors' unknown type: \"k8s_attributes\"" "$bin/collector" validate \
        --config="$files/collector/collector.yaml" --config="$files/collector/kubernetes.yaml"
    refuses 'has invalid keys: bucket' "$bin/collector" validate --config="$files/collector/collector.yaml" \
        --config='yaml:connectors::span_metrics::histogram::explicit::bucket: [1s]'
    echo 'collector.yaml and traces.yaml are read whole'
}
