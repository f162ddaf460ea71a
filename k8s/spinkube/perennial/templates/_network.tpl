{{/* One rule, given as (list "from" or "to", peers, ports...); nothing where there are no peers, which would let everybody through. */}}
{{- define "perennial.rule" -}}
{{- if index . 1 -}}
- {{ index . 0 }}:
    {{- toYaml (index . 1) | nindent 4 }}
  ports:
    {{- range slice . 2 }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
{{- end }}
{{- end -}}

{{/* The pods of some applications, as a list of peers. */}}
{{- define "perennial.pods" -}}
- podSelector:
    matchExpressions:
      - { key: core.spinkube.dev/app-name, operator: In, values: {{ toJson . }} }
{{- end -}}

{{/* The head of a policy, given as (list . name labels). */}}
{{- define "perennial.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "perennial.labels" (list (index . 0) "network") | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- toYaml (index . 2) | nindent 6 }}
{{- end -}}

{{/* Who comes from outside. */}}
{{- define "perennial.edgePeers" -}}
{{- with .Values.edge -}}
{{- if .peers -}}
{{- toYaml .peers -}}
{{- else if eq .kind "gateway" -}}
- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: envoy-gateway-system } }
  podSelector:
    matchLabels:
      gateway.envoyproxy.io/owning-gateway-namespace: {{ $.Release.Namespace }}
      gateway.envoyproxy.io/owning-gateway-name: perennial
{{- else if eq .kind "nginx" -}}
- namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: ingress-nginx } }
  podSelector: { matchLabels: { app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller } }
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The port of an address: the one that it names, or its scheme's. */}}
{{- define "perennial.urlPort" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $port | default (get (dict "https" "443" "http" "80" "redis" "6379") $url.scheme | default "443") -}}
{{- end -}}
