// PostgreSQL, where all that must not be lost is. Zone-redundant: a standby in another zone takes over with what was answered. Backups of 35 days, to
// any second, and in another region where that is asked for. With a source it is a replica of that server: the one of another region.
param name string
param location string
param tags object
param sku string
param tier string
param storageGB int
param haMode string
param geoRedundantBackup string
@secure()
param adminPassword string
param databaseSubnetId string
param virtualNetworkId string
param workspaceId string
param sourceServerId string

var isReplica = sourceServerId != ''

resource dns 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: dns
  name: name
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: virtualNetworkId }
  }
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2026-10-01' = {
  name: '${name}-${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  sku: { name: sku, tier: tier }
  properties: {
    createMode: isReplica ? 'Replica' : 'Default'
    sourceServerResourceId: isReplica ? sourceServerId : null
    version: isReplica ? null : '17'
    administratorLogin: isReplica ? null : 'perennial_admin'
    administratorLoginPassword: isReplica ? null : adminPassword
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Enabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: storageGB, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 35, geoRedundantBackup: isReplica ? 'Disabled' : geoRedundantBackup }
    // A replica can have no standby; what it becomes once it is promoted can be given one.
    highAvailability: { mode: isReplica ? 'Disabled' : haMode }
    network: {
      delegatedSubnetResourceId: databaseSubnetId
      privateDnsZoneArmResourceId: dns.id
      publicNetworkAccess: 'Disabled'
    }
  }
  dependsOn: [link]
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2026-10-01' = if (!isReplica) {
  parent: server
  name: 'perennial'
  properties: { charset: 'UTF8', collation: 'C.utf8' }
}

// What the application promises rests on these two, so they are said although they are the defaults.
resource flushes 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2026-10-01' = if (!isReplica) {
  parent: server
  name: 'synchronous_commit'
  properties: { value: 'on', source: 'user-override' }
}

resource encrypts 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2026-10-01' = if (!isReplica) {
  parent: server
  name: 'require_secure_transport'
  properties: { value: 'ON', source: 'user-override' }
  dependsOn: [flushes]
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: server
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

output id string = server.id
output host string = server.properties.fullyQualifiedDomainName
