// AKS, in three zones. SpinKube's shim is put on the wasm nodes by the runtime class manager (k8s/spinkube/platform), which goes by their
// label: AKS' own node pools for Wasm (workloadRuntime WasmWasi) are retired.
param name string
param location string
param tags object
param zones array
param kubernetesVersion string
param adminGroupId string
param privateCluster bool
param authorizedIpRanges array
param systemNodes object
param userNodes object
param wasmNodes object
param nodesSubnetId string
param virtualNetworkName string
param workspaceId string

// Network Contributor, for load balancers in the subnet of the nodes.
var networkContributor = '4d97b98b-1d4f-4787-a291-c67834d212e7'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${name}-cluster'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2026-03-01' existing = {
  name: virtualNetworkName
}

resource joins 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(network.id, name, networkContributor)
  scope: network
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', networkContributor)
  }
}

resource cluster 'Microsoft.ContainerService/managedClusters@2026-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Base', tier: 'Standard' }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    dnsPrefix: name
    kubernetesVersion: kubernetesVersion
    enableRBAC: true
    disableLocalAccounts: true
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: [adminGroupId] }
    apiServerAccessProfile: {
      enablePrivateCluster: privateCluster
      authorizedIPRanges: privateCluster ? null : authorizedIpRanges
      disableRunCommand: true
    }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    oidcIssuerProfile: { enabled: true }
    securityProfile: {
      workloadIdentity: { enabled: true }
      imageCleaner: { enabled: true, intervalHours: 168 }
    }
    addonProfiles: {
      azurepolicy: { enabled: true }
    }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      // Without an engine the NetworkPolicies of the chart are let through and change nothing.
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      outboundType: 'userAssignedNATGateway'
      podCidr: '10.244.0.0/16'
      serviceCidr: '10.65.0.0/16'
      dnsServiceIP: '10.65.0.10'
    }
    autoScalerProfile: { expander: 'least-waste', 'balance-similar-node-groups': 'true', 'max-graceful-termination-sec': '600' }
    agentPoolProfiles: [
      {
        name: 'system'
        mode: 'System'
        vmSize: systemNodes.size
        enableAutoScaling: true
        count: systemNodes.min
        minCount: systemNodes.min
        maxCount: systemNodes.max
        availabilityZones: zones
        vnetSubnetID: nodesSubnetId
        osType: 'Linux'
        osSKU: 'AzureLinux'
        nodeTaints: ['CriticalAddonsOnly=true:NoSchedule']
        upgradeSettings: { maxSurge: '33%' }
      }
      {
        name: 'user'
        mode: 'User'
        vmSize: userNodes.size
        enableAutoScaling: true
        count: userNodes.min
        minCount: userNodes.min
        maxCount: userNodes.max
        availabilityZones: zones
        vnetSubnetID: nodesSubnetId
        osType: 'Linux'
        osSKU: 'AzureLinux'
        upgradeSettings: { maxSurge: '33%' }
      }
      {
        // Pods of a SpinApp come here by their RuntimeClass, whose scheduling goes by the label; the shim is put where it is.
        name: 'wasm'
        mode: 'User'
        vmSize: wasmNodes.size
        enableAutoScaling: true
        count: wasmNodes.min
        minCount: wasmNodes.min
        maxCount: wasmNodes.max
        availabilityZones: zones
        vnetSubnetID: nodesSubnetId
        osType: 'Linux'
        osSKU: 'AzureLinux'
        nodeLabels: { 'perennial.dev/wasm': 'true' }
        upgradeSettings: { maxSurge: '33%' }
      }
    ]
  }
  dependsOn: [joins]
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: cluster
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'kube-audit-admin', enabled: true }
      { category: 'guard', enabled: true }
    ]
  }
}

output name string = cluster.name
output issuer string = cluster.properties.oidcIssuerProfile.issuerURL
