// The virtual network: nodes, PostgreSQL's own subnet, private endpoints. What goes out goes through one NAT gateway, whose address receivers of
// webhooks can let through.
param name string
param location string
param tags object
param zones array

@description('The first half of its addresses, as 10.64.')
param addressPrefix string

@description('A network to be joined with, of an environment in another region; empty for none. Each of the two joins the other.')
param peerNetworkId string

resource address 'Microsoft.Network/publicIPAddresses@2026-03-01' = {
  name: '${name}-out'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  zones: zones
  properties: { publicIPAllocationMethod: 'Static' }
}

resource nat 'Microsoft.Network/natGateways@2026-03-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: {
    idleTimeoutInMinutes: 4
    publicIpAddresses: [{ id: address.id }]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['${addressPrefix}.0.0/16'] }
    subnets: [
      {
        name: 'nodes'
        properties: {
          addressPrefix: '${addressPrefix}.0.0/20'
          natGateway: { id: nat.id }
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: '${addressPrefix}.16.0/24'
          delegations: [
            {
              name: 'postgres'
              properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '${addressPrefix}.17.0/24'
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

resource peering 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings@2026-03-01' = if (peerNetworkId != '') {
  parent: network
  name: 'other-region'
  properties: {
    remoteVirtualNetwork: { id: peerNetworkId }
    allowVirtualNetworkAccess: true
    allowForwardedTraffic: false
  }
}

resource nodes 'Microsoft.Network/virtualNetworks/subnets@2026-03-01' existing = {
  parent: network
  name: 'nodes'
}

resource database 'Microsoft.Network/virtualNetworks/subnets@2026-03-01' existing = {
  parent: network
  name: 'database'
}

resource endpoints 'Microsoft.Network/virtualNetworks/subnets@2026-03-01' existing = {
  parent: network
  name: 'endpoints'
}

output virtualNetworkId string = network.id
output virtualNetworkName string = network.name
output nodesSubnetId string = nodes.id
output databaseSubnetId string = database.id
output endpointsSubnetId string = endpoints.id
