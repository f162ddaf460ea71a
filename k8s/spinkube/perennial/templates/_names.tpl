{{/* The labels of all that is here; of one part, given as (list . "part"). */}}
{{- define "perennial.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: perennial
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- end -}}

{{/* What pods of a job are known by, given its name. */}}
{{- define "perennial.job" -}}
app.kubernetes.io/name: perennial
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{/* An image, by its digest where there is one. */}}
{{- define "perennial.image" -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag }}{{- end -}}
{{- end -}}

{{/* scheme://host:port of an address. */}}
{{- define "perennial.origin" -}}
{{- $url := urlParse . -}}
{{ $url.scheme }}://{{ $url.host }}
{{- end -}}

{{/* The port at the end of host:port. */}}
{{- define "perennial.port" -}}
{{ last (splitList ":" .) }}
{{- end -}}

{{/* The applications as they are (files/applications.yaml) and as they are to run (values), by name. */}}
{{- define "perennial.applications" -}}
{{- mustMergeOverwrite (deepCopy .Values.applications) (.Files.Get "files/applications.yaml" | fromYaml) | toYaml -}}
{{- end -}}

{{/* The topics: of each its name, partitions, hours of retention and compression, for the size that is asked for. */}}
{{- define "perennial.topics" -}}
{{- $topics := list -}}
{{- $ask := .Values.kafka.topics -}}
{{- range .Files.Get "files/topics.json" | fromJsonArray -}}
{{- $hours := int (dig .name (index .retention_hours $ask.size) $ask.retentionHours) -}}
{{- if $ask.maxRetentionHours -}}{{- $hours = min $hours (int $ask.maxRetentionHours) -}}{{- end -}}
{{- $partitions := int (dig .name (index .partitions $ask.size) $ask.partitions) -}}
{{- $topics = append $topics (dict "name" .name "partitions" $partitions "hours" $hours "compression" $.Values.kafka.compression) -}}
{{- end -}}
{{- toJson $topics -}}
{{- end -}}

{{/* The namespace of Strimzi's brokers. */}}
{{- define "perennial.strimzi" -}}
{{ .Values.kafka.strimzi.namespace | default (printf "%s-kafka" .Release.Namespace) }}
{{- end -}}

{{/* A broker to begin with, and where brokers are for NetworkPolicies: Strimzi's, unless others are named. */}}
{{- define "perennial.bootstrap" -}}
{{- if .Values.kafka.bootstrap -}}
{{ .Values.kafka.bootstrap }}
{{- else if eq .Values.kafka.topics.by "strimzi" -}}
perennial-kafka-bootstrap.{{ include "perennial.strimzi" . }}.svc:9093
{{- end -}}
{{- end -}}

{{- define "perennial.brokers" -}}
{{- if .Values.kafka.peers -}}
{{ toYaml .Values.kafka.peers }}
{{- else if eq .Values.kafka.topics.by "strimzi" -}}
- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: {{ include "perennial.strimzi" . }} } }
  podSelector: { matchLabels: { strimzi.io/cluster: perennial } }
{{- end -}}
{{- end -}}

{{/* What a job's pod may do: as nobody in particular, and nothing beyond that. */}}
{{- define "perennial.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "perennial.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* As much as a job needs. */}}
{{- define "perennial.jobResources" -}}
resources:
  requests: { cpu: 50m, memory: 64Mi }
  limits: { cpu: 200m, memory: 256Mi }
{{- end -}}
