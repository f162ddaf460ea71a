// The Key Vault of one environment: secrets of the brokers, the state store and the application, and CA certificates. Who reads what is in the log.
param name string
param location string
param tags object
param readerPrincipalId string
param endpointsSubnetId string
param virtualNetworkId string
param workspaceId string

// Key Vault Secrets User, and Key Vault Certificate User.
var roles = ['4633458b-17de-408a-b874-0445c86b69e6', 'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba']

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  // Names of vaults are of the whole world.
  name: take('${name}-${uniqueString(resourceGroup().id)}', 24)
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Disabled'
    networkAcls: { bypass: 'AzureServices', defaultAction: 'Deny' }
  }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in roles: {
  name: guid(vault.id, name, role)
  scope: vault
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

module endpoint 'endpoint.bicep' = {
  name: 'vault-endpoint'
  params: {
    name: '${name}-vault'
    location: location
    tags: tags
    serviceId: vault.id
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
    subnetId: endpointsSubnetId
    virtualNetworkId: virtualNetworkId
  }
}

output name string = vault.name
