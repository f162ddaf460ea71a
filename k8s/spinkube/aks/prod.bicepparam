using 'main.bicep'

param environment = 'prod'
// Given at the deployment, from where secrets are: ADMIN_GROUP_ID and DATABASE_ADMIN_PASSWORD in its environment.
param adminGroupId = readEnvironmentVariable('ADMIN_GROUP_ID')
param databaseAdminPassword = readEnvironmentVariable('DATABASE_ADMIN_PASSWORD')
param systemNodes = { size: 'Standard_D2s_v5', min: 3, max: 6 }
param userNodes = { size: 'Standard_D4s_v5', min: 3, max: 9 }
param wasmNodes = { size: 'Standard_D8s_v5', min: 3, max: 12 }
param database = { sku: 'Standard_D4ds_v5', tier: 'GeneralPurpose', storageGB: 256, haMode: 'ZoneRedundant', geoRedundantBackup: 'Enabled' }
param redisSku = 'Balanced_B1'
param logRetentionDays = 365
