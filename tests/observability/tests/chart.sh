# The plain files, as the chart installs them.

test_chart_installs_the_plain_files() {
    local helm chart=$work/chart
    helm=$(command -v helm || ls .cache/k8s/bin/helm 2>/dev/null) || skip 'no helm on the PATH, nor in .cache/k8s/bin (make test-k8s)'
    mkdir -p "$chart/templates" "$chart/files"
    cp "$here"/chart/*.yaml "$chart/"
    cp k8s/spinkube/perennial/templates/observability*.yaml "$chart/templates/"
    cp -r "$files" "$chart/files/"
    render() { "$helm" template perennial "$chart" --namespace perennial-prod "$@"; }

    # Rules: of the release's namespace, and still rules.
    render --show-only templates/observability-rules.yaml | sed '1,/^spec:/d; s/^  //' >"$work/rendered.yaml"
    "$bin/promtool" check rules "$work/rendered.yaml" | grep "SUCCESS: $(grep -hc -e '- alert:' -e '- record:' "$files"/rules/*.yaml | awk '{ n += $1 } END { print n }') rules found" >/dev/null
    if grep -n 'namespace="perennial"' "$work/rendered.yaml"; then return 1; fi
    # Dashboards: letter by letter.
    render --show-only templates/observability-dashboards.yaml >"$work/dashboards.yaml"
    python3 - "$work/dashboards.yaml" "$files"/dashboards/*.json <<'PY'
import sys
rendered, *files = (open(name, encoding="utf-8").read() for name in sys.argv[1:])
for text in files:
    whole = "".join("    " + line + "\n" for line in text.rstrip("\n").split("\n"))
    assert whole in rendered, text[:200]
PY
    # The collector: its configuration, and what is laid over it.
    render | grep -c 'config=/etc/collector' | grep -qx 2
    render --set observability.traces.to=otlp | grep 'config=/etc/collector/traces.yaml' >/dev/null
    render --set observability.traces.to=azure-monitor | grep 'APPLICATIONINSIGHTS_CONNECTION_STRING' >/dev/null
    refuses 'observability.traces.to is "jaeger": it must be none, otlp or azure-monitor' render --set observability.traces.to=jaeger
    # A configuration that is changed starts it anew.
    render >"$work/before"
    sed -i 's/timeout: 5s/timeout: 6s/' "$chart/files/observability/collector/collector.yaml"
    render >"$work/after"
    [ "$(diff "$work/before" "$work/after" | grep -c 'checksum/config')" = 2 ]
    # What is not wanted is not there.
    [ -z "$(render --set observability.enabled=false | grep kind:)" ]
    if render --set observability.monitors.enabled=false | grep 'kind: .*Monitor'; then return 1; fi
    render --set observability.monitors.group=azmonitoring.coreos.com | grep -c 'azmonitoring.coreos.com/v1' | grep -qx 3
    echo "$(render | grep -c '^kind:') resources"
}
