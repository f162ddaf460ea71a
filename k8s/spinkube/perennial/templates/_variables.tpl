{{/* The variables of one application that are no secrets, given as (list . application): those that go with secrets it does not have are not its own. */}}
{{- define "perennial.variables" -}}
{{- $values := (index . 0).Values -}}
{{- $application := index . 1 -}}
{{- $set := dict "store" "postgres" "bus" "dapr" -}}
{{- $_ := set $set "database_host" (printf "postgres://%s:%v" $values.database.host $values.database.port) -}}
{{- if and $application.state (ne $values.state.kind "none") -}}{{- $_ := set $set "dapr_state_store" "statestore" -}}{{- end -}}
{{- if and $application.jwt $values.jwt.issuer -}}
{{- with $values.jwt -}}
{{- $_ := set $set "jwt_issuer" .issuer -}}
{{- $_ := set $set "jwt_audience" .audience -}}
{{- $_ := set $set "jwt_algorithms" .algorithms -}}
{{- if .jwksUrl -}}
{{- $_ := set $set "jwt_jwks_url" .jwksUrl -}}
{{- $_ := set $set "jwt_jwks_host" (include "perennial.origin" .jwksUrl) -}}
{{- else -}}
{{- $_ := set $set "jwt_jwks" .jwks -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $application.limits -}}
{{- with $values.rateLimit.writes -}}{{- $_ := set $set "rate_limit_writes" . -}}{{- end -}}
{{- with $values.rateLimit.reads -}}{{- $_ := set $set "rate_limit_reads" . -}}{{- end -}}
{{- with $values.rateLimit.redisHost -}}{{- $_ := set $set "rate_limit_redis_host" . -}}{{- end -}}
{{- end -}}
{{- if and $application.anchors $values.audit.anchorUrl -}}
{{- $_ := set $set "audit_anchor_url" $values.audit.anchorUrl -}}
{{- $_ := set $set "audit_anchor_host" (include "perennial.origin" $values.audit.anchorUrl) -}}
{{- end -}}
{{- if $application.agents -}}
{{- if ne $values.edge.kind "none" -}}{{- $_ := set $set "mcp_hosts" $values.edge.host -}}{{- end -}}
{{- with $values.mcp -}}
{{- $_ := set $set "mcp_origins" .origins -}}
{{- with .authorizationServer -}}{{- $_ := set $set "mcp_authorization_server" . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- mustMerge $set $values.variables | toYaml -}}
{{- end -}}

{{/* The runtime configuration of one application, given as (list . application). No secret is in it. */}}
{{- define "perennial.runtimeConfig" -}}
{{- $values := (index . 0).Values -}}
max_instance_memory = {{ int64 $values.maxInstanceMemory }}
{{- if (index . 1).webhooks }}

# Whatever name a user gives, and wherever it leads.
[outbound_networking]
block_networks = {{ toJson $values.network.notPublic }}
{{- end }}
{{- end -}}

{{/*
What pods are rolled for that their own template does not show: the runtime configuration, and the Secrets as the cluster has them now.
Not a hash of what is in them, which would help who guesses: of which version they are.
*/}}
{{- define "perennial.settings" -}}
{{- $root := index . 0 -}}
{{- $application := index . 1 -}}
{{- $versions := list (include "perennial.runtimeConfig" .) -}}
{{- $names := list -}}
{{- range $application.secrets -}}{{- $names = append $names (index $root.Values.secrets .).name -}}{{- end -}}
{{- if $application.sidecar -}}
{{- $names = concat $names (list $root.Values.kafka.auth.secret $root.Values.state.redis.passwordSecret.name) -}}
{{- if eq $root.Values.state.kind "postgresql" -}}{{- $names = append $names $root.Values.state.postgresql.secret.name -}}{{- end -}}
{{- end -}}
{{- range $names | uniq | sortAlpha -}}
{{- if . -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace . -}}
{{- $versions = append $versions (printf "%s %s" . (dig "metadata" "resourceVersion" "" $secret)) -}}
{{- end -}}
{{- end -}}
{{- join "\n" $versions | sha256sum -}}
{{- end -}}
