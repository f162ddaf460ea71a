// Who the pods of the application are to Azure: workload identity, without a stored credential.
param name string
param location string
param tags object
param issuer string
param namespace string
param serviceAccounts array

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

// One after the other: an identity takes no two at once.
@batchSize(1)
resource federated 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = [for account in serviceAccounts: {
  parent: identity
  name: account
  properties: {
    issuer: issuer
    subject: 'system:serviceaccount:${namespace}:${account}'
    audiences: ['api://AzureADTokenExchange']
  }
}]

output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
