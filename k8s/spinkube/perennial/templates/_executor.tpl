{{/* How pods are run. */}}
{{- define "perennial.executor" -}}
createDeployment: true
deploymentConfig:
  runtimeClassName: {{ .Values.executor.runtimeClassName }}
  {{- with .Values.executor.caCertSecret }}
  caCertSecret: {{ . }}
  {{- else }}
  installDefaultCACerts: true
  {{- end }}
  {{- with .Values.otel.endpoint }}
  otel:
    exporter_otlp_endpoint: {{ . }}
  {{- end }}
{{- end -}}

{{/* Its name tells how, so that another is another one: the operator lets none be changed or deleted that is in use. */}}
{{- define "perennial.executorName" -}}
perennial-{{ include "perennial.executor" . | sha256sum | trunc 8 }}
{{- end -}}
