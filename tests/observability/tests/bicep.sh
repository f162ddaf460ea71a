# The cluster as code: held against the models of Azure's resources, and compiled where there is a compiler.

test_bicep_is_what_azure_takes() {
    "$python" "$here/bicep.py" k8s/spinkube/aks
    if command -v bicep >/dev/null; then
        bicep build --stdout k8s/spinkube/aks/main.bicep >/dev/null
        echo 'and bicep compiles it'
    fi
}

# The check itself, by what it must find.
test_bicep_mistakes_are_found() {
    broken() {
        rm -rf "$work/aks"
        cp -r k8s/spinkube/aks "$work/aks"
        sed -i "$2" "$work/aks/$1"
        cmp -s "k8s/spinkube/aks/$1" "$work/aks/$1" && { echo "nothing was changed in $1"; return 1; }
        refuses "$3" "$python" "$here/bicep.py" "$work/aks"
    }
    broken modules/cluster.bicep 's/disableLocalAccounts/disableLocalAccount/' 'no property is called disableLocalAccount'
    broken modules/cluster.bicep "s/networkPolicy: 'cilium'/networkPolicy: 'celium'/" "'celium' is none of"
    broken modules/cluster.bicep 's/managedClusters@2026-08-01/managedClusters@2019-08-01/' 'is not of 2019-08-01'
    broken modules/postgres.bicep 's/backupRetentionDays: 35/earliestRestoreDate: 35/' 'is told by Azure and cannot be given'
    broken modules/redis.bicep 's/ clusteringPolicy:/ clusterPolicy:/' 'no property is called clusterPolicy'
    broken main.bicep 's/cluster.outputs.issuer/cluster.outputs.issuerUrl/' 'cluster has no output issuerUrl'
    broken main.bicep '/adminPassword: databaseAdminPassword/d' 'postgres.bicep is not given adminPassword'
    broken prod.bicepparam '/^param redisSku/d' 'main.bicep is not given redisSku'
    broken modules/vault.bicep 's/^resource vault/resource resource vault/' 'cannot be read'
    echo '9 mistakes, all found'
}
