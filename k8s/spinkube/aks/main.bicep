// One environment of Perennial on AKS: network, cluster, vault, PostgreSQL, Redis and what watches them, in a resource group of its own.
// docs/kubernetes.md says how it is deployed and what comes after it.
targetScope = 'resourceGroup'

@description('Which environment this is; the namespace of the release is perennial-<environment>.')
@allowed(['dev', 'staging', 'prod'])
param environment string

param location string = resourceGroup().location

@description('The group in Microsoft Entra whose members administer the cluster: there are no local accounts.')
param adminGroupId string

@description('Kubernetes, as major.minor. Patches come by themselves.')
param kubernetesVersion string = '1.34'

@description('Nodes for the application, for what is in the cluster beside it, and for the system.')
param wasmNodes object
param userNodes object
param systemNodes object

@description('PostgreSQL: sku, tier, storageGB, haMode (ZoneRedundant, SameZone or Disabled), geoRedundantBackup (Enabled or Disabled).')
param database object

@secure()
@description('The password of PostgreSQL\'s administrator, who makes the role of the application and is not used by it.')
param databaseAdminPassword string

@description('Azure Managed Redis, which the application asks first and can do without: its sku, such as Balanced_B1; empty for none.')
param redisSku string

@description('Whether the API of Kubernetes has an address in the virtual network alone.')
param privateCluster bool = true

@description('Who may reach a public API of Kubernetes, where privateCluster is false.')
param authorizedIpRanges array = []

@description('The first half of the addresses of its virtual network: two that are joined need different ones.')
param addressPrefix string = '10.64'

@description('In a second region: the server that PostgreSQL is a replica of (databaseId of the first), and the network that it is in.')
param sourceDatabaseId string = ''
param peerNetworkId string = ''

@description('For how many days the log of the vault and of the cluster is kept.')
param logRetentionDays int = 90

var name = 'perennial-${environment}'
var tags = { application: 'perennial', environment: environment }
var zones = ['1', '2', '3']
var namespace = name
// Each application has a ServiceAccount, named as it is; and who writes the Secrets (secrets.yaml).
var serviceAccounts = ['task-api', 'recurrence-scheduler', 'notifier', 'audit', 'live', 'mcp', 'external-secrets']

module network 'modules/network.bicep' = {
  name: 'network'
  params: {
    name: name
    location: location
    tags: tags
    zones: zones
    addressPrefix: addressPrefix
    peerNetworkId: peerNetworkId
  }
}

module logs 'modules/logs.bicep' = {
  name: 'logs'
  params: { name: name, location: location, tags: tags, retentionDays: logRetentionDays }
}

module cluster 'modules/cluster.bicep' = {
  name: 'cluster'
  params: {
    name: name
    location: location
    tags: tags
    zones: zones
    kubernetesVersion: kubernetesVersion
    adminGroupId: adminGroupId
    privateCluster: privateCluster
    authorizedIpRanges: authorizedIpRanges
    systemNodes: systemNodes
    userNodes: userNodes
    wasmNodes: wasmNodes
    nodesSubnetId: network.outputs.nodesSubnetId
    virtualNetworkName: network.outputs.virtualNetworkName
    workspaceId: logs.outputs.workspaceId
  }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: name
    location: location
    tags: tags
    issuer: cluster.outputs.issuer
    namespace: namespace
    serviceAccounts: serviceAccounts
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: name
    location: location
    tags: tags
    readerPrincipalId: identity.outputs.principalId
    endpointsSubnetId: network.outputs.endpointsSubnetId
    virtualNetworkId: network.outputs.virtualNetworkId
    workspaceId: logs.outputs.workspaceId
  }
}

module postgres 'modules/postgres.bicep' = {
  name: 'postgres'
  params: {
    name: name
    location: location
    tags: tags
    sku: database.sku
    tier: database.tier
    storageGB: database.storageGB
    haMode: database.haMode
    geoRedundantBackup: database.geoRedundantBackup
    adminPassword: databaseAdminPassword
    sourceServerId: sourceDatabaseId
    databaseSubnetId: network.outputs.databaseSubnetId
    virtualNetworkId: network.outputs.virtualNetworkId
    workspaceId: logs.outputs.workspaceId
  }
}

module redis 'modules/redis.bicep' = if (redisSku != '') {
  name: 'redis'
  params: {
    name: name
    location: location
    tags: tags
    sku: redisSku
    endpointsSubnetId: network.outputs.endpointsSubnetId
    virtualNetworkId: network.outputs.virtualNetworkId
  }
}

output clusterName string = cluster.outputs.name
output workloadIdentityClientId string = identity.outputs.clientId
output vaultName string = vault.outputs.name
output virtualNetworkId string = network.outputs.virtualNetworkId
output databaseId string = postgres.outputs.id
output databaseHost string = postgres.outputs.host
