# The rollback, on recorded series, by the chart's own rules in a real Prometheus that asks and evaluates every five seconds. Alerts wait for two
# minutes, and so does this.

test_rollback_on_recorded_series() {
    local home=$work/rollback-home port played now namespace file
    mkdir -p "$home/rules"
    for namespace in healthy error-rate latency crash-loop failed-before; do
        for file in recording service; do
            sed "s/namespace=\"perennial\"/namespace=\"$namespace\"/g; s/- name: perennial/- name: $namespace/; s/interval: [13][50]s/interval: 5s/" "$files/rules/$file.yaml" >"$home/rules/$namespace-$file.yaml"
        done
    done
    read -r port played < <(ports 2)
    cat >"$home/prometheus.yml" <<YAML
global: { evaluation_interval: 5s }
rule_files: [rules/*.yaml]
scrape_configs:
  - job_name: recorded
    scrape_interval: 5s
    honor_labels: true
    static_configs: [{ targets: ["127.0.0.1:$played"] }]
YAML
    now=$(date +%s)
    "$here/rollback/replay" "$played" "$here"/rollback/*.series &
    local processes=$!
    "$bin/prometheus" --config.file="$home/prometheus.yml" --storage.tsdb.path="$home/data" \
        --web.listen-address="127.0.0.1:$port" --log.level=error >"$home/log" 2>&1 &
    processes+=" $!"
    trap 'kill '"$processes"' 2>/dev/null; wait 2>/dev/null || true' EXIT
    within 60 curl -sf "http://127.0.0.1:$port/-/ready" -o /dev/null || { cat "$home/log"; return 1; }

    # What stands for helm notes what it is told, and fails where it is to. The upgrade before this one failed.
    cat >"$home/helm" <<'SH'
#!/bin/sh
if [ "$1" = history ]; then
    [ -n "$HISTORY" ] || HISTORY='[{"revision":3,"status":"superseded"},{"revision":4,"status":"failed"},{"revision":5,"status":"deployed"}]'
    echo "$HISTORY"
    exit 0
fi
echo "$*" >>"$HELM_SAID"
exit "${HELM_FAILS:-0}"
SH
    chmod +x "$home/helm"
    # A name, the exit code that is expected, and what differs.
    try() {
        local name=$1 expected=$2 namespace=$3 since=$4 status=0
        shift 4
        HELM=$home/helm HELM_SAID=$home/$name.helm "$@" k8s/spinkube/rollback/rollback --release perennial --namespace "$namespace" \
            --prometheus "http://127.0.0.1:${PORT:-$port}" --since "$since" --duration 170 --every 2 >"$home/$name.out" 2>&1 || status=$?
        [ "$status" = "$expected" ] || { echo "$name: exit code $status, expected $expected"; cat "$home/$name.out" "$home/log"; return 1; }
    }
    said() { grep -qx "rollback perennial 3 --namespace $1 --wait --timeout 10m" "$home/$2.helm" && [ "$(wc -l <"$home/$2.helm")" = 1 ]; }
    silent() { [ ! -e "$home/$1.helm" ] || { echo "$1: helm was called"; return 1; }; }

    # Of `failed-before` the upgrade begins later than all that was there.
    local tries=()
    try error-rate 1 error-rate "$now" env & tries+=($!)
    try latency 1 latency "$now" env & tries+=($!)
    try crash-loop 1 crash-loop "$now" env & tries+=($!)
    try healthy 0 healthy "$now" env & tries+=($!)
    try failed-before 0 failed-before $((now + 3600)) env & tries+=($!)
    try helm-fails 3 crash-loop "$now" env HELM_FAILS=1 & tries+=($!)
    try first-install 3 crash-loop "$now" env HISTORY='[{"revision":1,"status":"deployed"}]' & tries+=($!)
    try nothing-measured 4 nowhere "$now" env & tries+=($!)
    PORT=1 try no-prometheus 4 healthy "$now" env & tries+=($!)
    local one wrong=0
    for one in "${tries[@]}"; do wait "$one" || wrong=1; done
    [ "$wrong" = 0 ]

    said error-rate error-rate
    said latency latency
    said crash-loop crash-loop
    said crash-loop helm-fails
    for one in healthy failed-before first-install nothing-measured no-prometheus; do silent "$one"; done
    grep -q 'PerennialErrorRate app=task-api' "$home/error-rate.out"
    grep -q 'PerennialLatencyCritical app=task-api' "$home/latency.out"
    grep -q 'PerennialCrashLoop container=notifier pod=notifier-1' "$home/crash-loop.out"
    grep -q 'PerennialErrorRate app=task-api was there before the upgrade' "$home/failed-before.out"
    grep -q 'there is nothing to go back to' "$home/first-install.out"
    grep -q 'nothing fired' "$home/healthy.out"
    grep -q 'no request of the API is measured' "$home/nothing-measured.out"
    grep -q 'Prometheus does not answer' "$home/no-prometheus.out"
    echo '9 cases: three triggers, six that take nothing back or say that they cannot'
}

# What Helm does not see: an application that does not come to run what its SpinApp says.
test_rollout_waits_for_each_application() {
    local home=$work/rollout apps='task-api recurrence-scheduler notifier audit live mcp'
    mkdir -p "$home"
    cat >"$home/kubectl" <<'SH'
#!/bin/sh
echo "$*" >>"$KUBECTL_SAID"
case $* in
*'get spinapps'*) for app in $APPS; do echo "$app example.com/application@sha256:1 hash-of-$app"; done ;;
*"$FAILS"*) exit 1 ;;
esac
SH
    chmod +x "$home/kubectl"
    # What fails, and what for is waited until then.
    roll() { rm -f "$home/said"; env KUBECTL="$home/kubectl" KUBECTL_SAID="$home/said" APPS="${APPS-$apps}" FAILS="$1" k8s/spinkube/rollout perennial-prod 60; }
    roll 'nothing fails'
    local app
    for app in $apps; do
        grep -qx -- "--namespace perennial-prod rollout status deployment/$app --timeout=60s" "$home/said"
        grep -q "wait deployment/$app .*image}=example.com/application@sha256:1 " "$home/said"
        grep -q "wait deployment/$app .*settings}=hash-of-$app " "$home/said"
    done
    [ "$(grep -c deployment/ "$home/said")" = $((4 * $(wc -w <<<"$apps"))) ]
    for app in $apps; do
        refuses '' roll "rollout status deployment/$app "
        refuses '' roll "settings}=hash-of-$app "
    done
    APPS='' refuses 'there is no SpinApp in perennial-prod' roll 'nothing fails'
    echo "$(wc -w <<<"$apps") are waited for, and each is missed"
}
