{{/* What the injector is told of one application's sidecar, given as (list . name application). */}}
{{- define "perennial.sidecar" -}}
{{- $root := index . 0 -}}
{{- $values := $root.Values -}}
{{- $application := index . 2 -}}
{{- $environment := list (printf "KAFKA_BROKERS=%s" (include "perennial.bootstrap" $root)) -}}
{{- $fromSecrets := list -}}
{{- if and $application.state (eq $values.state.kind "redis") -}}
{{- $environment = append $environment (printf "STATE_REDIS_HOST=%s" $values.state.redis.host) -}}
{{- with $values.state.redis.passwordSecret -}}
{{- if .name -}}{{- $fromSecrets = append $fromSecrets (printf "STATE_REDIS_PASSWORD=%s:%s" .name .key) -}}{{- end -}}
{{- end -}}
{{- end -}}
dapr.io/enabled: "true"
dapr.io/app-id: {{ index . 1 }}
dapr.io/app-port: "80"
dapr.io/app-protocol: http
dapr.io/config: perennial
dapr.io/api-token-secret: {{ $values.secrets.dapr_api_token.name }}
dapr.io/app-token-secret: {{ $values.secrets.app_api_token.name }}
dapr.io/env: {{ join "," $environment | quote }}
{{- with $fromSecrets }}
dapr.io/env-from-secret: {{ join "," . | quote }}
{{- end }}
dapr.io/disable-builtin-k8s-secret-store: "true"
dapr.io/enable-metrics: "true"
dapr.io/metrics-port: "9090"
dapr.io/log-as-json: "true"
dapr.io/log-level: {{ $values.sidecar.logLevel }}
dapr.io/graceful-shutdown-seconds: "5"
dapr.io/sidecar-seccomp-profile-type: RuntimeDefault
dapr.io/sidecar-cpu-request: {{ $values.sidecar.resources.requests.cpu | quote }}
dapr.io/sidecar-cpu-limit: {{ $values.sidecar.resources.limits.cpu | quote }}
dapr.io/sidecar-memory-request: {{ $values.sidecar.resources.requests.memory | quote }}
dapr.io/sidecar-memory-limit: {{ $values.sidecar.resources.limits.memory | quote }}
{{- end -}}

{{/* A component with other metadata than its file says, given as (list component entries): each takes the place of the one of its name. */}}
{{- define "perennial.component" -}}
{{- $component := index . 0 -}}
{{- $others := dict -}}
{{- range index . 1 -}}{{- $_ := set $others .name . -}}{{- end -}}
{{- $metadata := list -}}
{{- range $component.spec.metadata -}}
{{- $metadata = append $metadata (get $others .name | default .) -}}
{{- $_ := unset $others .name -}}
{{- end -}}
{{- range $name, $entry := $others -}}{{- $metadata = append $metadata $entry -}}{{- end -}}
{{- $_ := set $component.spec "metadata" $metadata -}}
{{- toYaml $component -}}
{{- end -}}
