using 'main.bicep'

param environment = 'staging'
// Given at the deployment, from where secrets are: ADMIN_GROUP_ID and DATABASE_ADMIN_PASSWORD in its environment.
param adminGroupId = readEnvironmentVariable('ADMIN_GROUP_ID')
param databaseAdminPassword = readEnvironmentVariable('DATABASE_ADMIN_PASSWORD')
param systemNodes = { size: 'Standard_D2s_v5', min: 2, max: 3 }
param userNodes = { size: 'Standard_D4s_v5', min: 2, max: 4 }
param wasmNodes = { size: 'Standard_D4s_v5', min: 3, max: 6 }
param database = { sku: 'Standard_D2ds_v5', tier: 'GeneralPurpose', storageGB: 64, haMode: 'ZoneRedundant', geoRedundantBackup: 'Disabled' }
param redisSku = 'Balanced_B0'
