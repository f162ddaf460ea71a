// Azure Managed Redis: what was applied lately, asked before the database, and counts of requests. It may lose all of it at any time.
param name string
param location string
param tags object
param sku string
param endpointsSubnetId string
param virtualNetworkId string

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: '${name}-${uniqueString(resourceGroup().id)}'
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    highAvailability: 'Enabled'
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    // One address, as for a single Redis.
    clusteringPolicy: 'EnterpriseCluster'
    evictionPolicy: 'AllKeysLRU'
    accessKeysAuthentication: 'Enabled'
  }
}

module endpoint 'endpoint.bicep' = {
  name: 'redis-endpoint'
  params: {
    name: '${name}-redis'
    location: location
    tags: tags
    serviceId: redis.id
    group: 'redisEnterprise'
    zone: 'privatelink.redis.azure.net'
    subnetId: endpointsSubnetId
    virtualNetworkId: virtualNetworkId
  }
}

output host string = redis.properties.hostName
