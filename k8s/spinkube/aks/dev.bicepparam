using 'main.bicep'

param environment = 'dev'
// Given at the deployment, from where secrets are: ADMIN_GROUP_ID and DATABASE_ADMIN_PASSWORD in its environment.
param adminGroupId = readEnvironmentVariable('ADMIN_GROUP_ID')
param databaseAdminPassword = readEnvironmentVariable('DATABASE_ADMIN_PASSWORD')
param systemNodes = { size: 'Standard_D2s_v5', min: 1, max: 3 }
param userNodes = { size: 'Standard_D2s_v5', min: 1, max: 3 }
param wasmNodes = { size: 'Standard_D4s_v5', min: 1, max: 3 }
param database = { sku: 'Standard_B2s', tier: 'Burstable', storageGB: 32, haMode: 'Disabled', geoRedundantBackup: 'Disabled' }
param redisSku = ''
param privateCluster = false
// With commas between, as 203.0.113.7/32.
param authorizedIpRanges = split(readEnvironmentVariable('AUTHORIZED_IP_RANGES'), ',')
param logRetentionDays = 30
