# The look at a deployed service, at one on this machine, and where it must say no.

test_smoke_looks_at_a_service() {
    local perennial=target/release/perennial port pid
    [ -x "$perennial" ] && [ -e target/wasm32-wasip2/guest/task_api.wasm ] || skip 'nothing is built (make build)'
    read -r port < <(ports 1)
    SPIN_VARIABLE_BOOTSTRAP_TOKEN=smoke "$perennial" up -f spin.toml --quiet --listen "127.0.0.1:$port" --state-dir "$work/smoke" --variable bus=local >"$work/smoke.out" 2>&1 &
    pid=$!
    trap 'kill '"$pid"' 2>/dev/null; wait '"$pid"' 2>/dev/null || true' EXIT
    # A host that starts for the first time compiles its components, which takes long on a busy machine.
    PERENNIAL_TOKEN=smoke k8s/spinkube/rollback/smoke "http://127.0.0.1:$port" --seconds 180 || { cat "$work/smoke.out"; return 1; }
    refuses "not within 1 s: it is ready: (200, {'status': 'ok', 'version'" env PERENNIAL_TOKEN=smoke k8s/spinkube/rollback/smoke "http://127.0.0.1:$port" --version 99.0.0 --seconds 1
    refuses 'not within 1 s: a task that comes back is created: (401' env PERENNIAL_TOKEN=other k8s/spinkube/rollback/smoke "http://127.0.0.1:$port" --seconds 1
    refuses 'not within 1 s: it is ready' env PERENNIAL_TOKEN=smoke k8s/spinkube/rollback/smoke http://127.0.0.1:1 --seconds 1
    echo 'all is well with one, and three times not'
}
