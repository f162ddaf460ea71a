# What the cluster needs before: one list, which says the same as whatever else names a version.

test_platform_is_one_list() {
    local list=k8s/spinkube/platform/versions name namespace version rest said
    DRY_RUN=1 k8s/spinkube/platform/install >"$work/platform"
    while read -r name namespace version rest; do
        [[ $rest == *optional* || $name == spin-shim ]] && continue
        grep -q -e "$name.*--version $version --namespace $namespace " -e "apply .*$version/" "$work/platform" || { echo "$name $version is not installed"; return 1; }
    done < <(sed 's/#.*//; /^ *$/d' "$list")
    if grep -q 'velero\|loki' "$work/platform"; then echo 'what is optional is installed unasked'; return 1; fi
    DRY_RUN=1 k8s/spinkube/platform/install velero strimzi-kafka-operator | grep -c '^+ helm' | grep -qx 2
    refuses 'versions does not list nothing' env DRY_RUN=1 k8s/spinkube/platform/install nothing
    # Before what asks for its resources: certificates, ServiceMonitors, SpinApps.
    grep -o 'install [a-z-]*\|spin-operator.crds' "$work/platform" | tr '\n' ' ' >"$work/order"
    grep -q 'cert-manager .*kube-prometheus-stack .*spin-operator.crds .*spin-operator .*dapr .*keda' "$work/order"

    of() { awk -v name="$1" '$1 == name { print $3 }' "$list"; }
    same() { [ "$1" = "$2" ] || { echo "$3: $1, and $2 in $list"; return 1; }; }
    same "$(sed -n 's#^\tgithub.com/dapr/dapr ##p' tests/tools/cloud/dapr/go.mod)" "v$(of dapr)" 'the sidecar that is tested'
    same "$(grep -o 'download/v[0-9.]*' k8s/spinkube/platform/manifests/runtime-class-manager.yaml | cut -d/ -f2)" "$(of spin-shim)" 'the shim that is fetched'
    same "$(sed -n 's/.*image: otel.*contrib://p' k8s/spinkube/perennial/files/observability/defaults.yaml)" \
        "$(sed -n 's/^\tgithub.com.*spanmetricsconnector v//p' tests/tools/observability/collector/go.mod)" 'the collector that is deployed'
    # The resource definitions that charts are tried with. Of those of SpinKube's operator that is deployed no registry has a copy.
    while read -r module chart prefix; do
        said=$(awk -v module="$module" '$1 == module { print $2 }' tests/tools/k8s/definitions.txt)
        same "$said" "$prefix$(of "$chart")" "$module"
    done <<'LIST'
github.com/kedacore/keda/v2 keda v
github.com/cert-manager/cert-manager cert-manager
github.com/dapr/dapr dapr v
github.com/envoyproxy/gateway gateway-helm
LIST
    same "$(sed -n '/<artifactId>api</,/<version>/s/.*<version>\(.*\)<.*/\1/p' tests/tools/k8s/strimzi/pom.xml)" "$(of strimzi-kafka-operator)" "Strimzi's definitions"
    echo "$(grep -c '^+' "$work/platform") steps"
}
