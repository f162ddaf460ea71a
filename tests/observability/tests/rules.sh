# Rules and dashboards: that they can be read, ask for what there is, and fire when they should.

test_rules_fire_when_they_should() {
    "$bin/promtool" check rules --lint=all --lint-fatal "$files"/rules/*.yaml
    "$bin/promtool" test rules "$here"/rules/*.yaml
    local alert untried=''
    for alert in $(sed -n 's/^ *- alert: //p' "$files"/rules/*.yaml); do
        grep -q "alertname=\"$alert\", alertstate=\"firing\"" "$here"/rules/*.yaml || untried+=" $alert"
    done
    [ -z "$untried" ] || { echo "no test has these fire:$untried"; return 1; }
    echo "$(grep -c '  - name:' "$here"/rules/*.yaml | awk -F: '{ n += $2 } END { print n }') cases, $(grep -h -c '^ *- alert:' "$files"/rules/*.yaml | awk '{ n += $1 } END { print n }') alerts"
}

test_queries_ask_for_what_there_is() {
    "$bin/queries" "$files/metrics.yaml" "$files"/rules/*.yaml "$files"/dashboards/*.json
}

# The check itself, by what it must refuse.
test_queries_are_refused() {
    local recording=$files/rules/recording.yaml
    broken() {
        sed "$2" "$files/$1" >"$work/broken.${1##*.}"
        cmp -s "$files/$1" "$work/broken.${1##*.}" && { echo "nothing was changed in $1"; return 1; }
        refuses "$3" "$bin/queries" "$files/metrics.yaml" "$recording" "$work/broken.${1##*.}"
    }
    broken rules/events.yaml 's/dead_letters_open/dead_letters_opened/' 'no metric is called dead_letters_opened'
    broken rules/reminders.yaml 's/perennial:work_oldest_due_age_seconds/perennial:work_due_age/' 'no metric is called perennial:work_due_age'
    broken rules/service.yaml 's/reason="CrashLoopBackOff"/cause="CrashLoopBackOff"/' 'kube_pod_container_status_waiting_reason has no label cause'
    broken rules/events.yaml 's/by (namespace, app_id, topic)/by (namespace, application)/' 'nothing here has the label application'
    broken rules/service.yaml 's/absent(perennial_info{namespace="perennial"})/absent(perennial_info)/' 'perennial_info is not asked of the namespace'
    broken rules/service.yaml 's/> 0.05$/> > 0.05/' 'unexpected'
    broken dashboards/events.json 's/max(dead_letters_open{namespace=/max(dead_letters_open{namespace!=/' 'is not asked of the namespace'
    broken dashboards/reminders.json 's/max by (kind) (work_due/max by (kind (work_due/' 'unexpected'
    echo '8 mistakes, all found'
}

# Our own names are those of the component that tells them.
test_our_metrics_are_told() {
    local metric missing=''
    for metric in $(sed -n '/metrics.rs/,/^$/s/^      \([a-z_]*\): .*/\1/p' "$files/metrics.yaml"); do
        grep -q "\"$metric\|$metric{{" components/recurrence-scheduler/src/metrics.rs || missing+=" $metric"
        grep -q "\`$metric" docs/operations.md || missing+=" $metric (docs)"
    done
    [ -z "$missing" ] || { echo "not told:$missing"; return 1; }
    echo 'all are in metrics.rs and in docs/operations.md'
}
