#!/bin/sh
# Makes the Secrets of one namespace that are ours to choose, each value random: secrets.sh NAMESPACE [DATABASE_URL]
# Without a database URL it is that of the PostgreSQL of the chart backing-services, with a password for it. What is there stays as it is.
# For a password and a URL of another: kubectl -n NAMESPACE create secret … (README.md).
set -eu
namespace=${1:?the namespace}
random() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }
# Values go by standard input, where no other process of this machine reads them.
secret() {
    name=$1
    shift
    if kubectl -n "$namespace" get secret "$name" >/dev/null 2>&1; then
        echo "secret/$name is there already"
        return
    fi
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: %s}\nstringData:\n' "$name"
        while [ $# -gt 0 ]; do
            printf '  %s: "%s"\n' "$1" "$2"
            shift 2
        done
    } | kubectl -n "$namespace" create -f -
}
if [ $# -lt 2 ]; then
    password=$(random)
    set -- "$namespace" "postgres://perennial:$password@postgresql:5432/perennial?sslmode=disable"
fi
secret perennial database_url "$2" database_password "${password:-}" \
    bootstrap_token "$(random)" metrics_token "$(random)" audit_key "$(random)"
secret dapr-api-token token "$(random)"
secret app-api-token token "$(random)"
