{{- define "backing.labels" -}}
app.kubernetes.io/name: backing-services
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{/* One pod of a server with its Service, given as a dict: name, user, port, server (values), container (the rest of it), volumes (where it writes). */}}
{{- define "backing.server" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "backing.labels" .name | nindent 4 }}
spec:
  selector:
    {{- include "backing.labels" .name | nindent 4 }}
  ports: [{ name: {{ .name }}, port: {{ .port }} }]
---
# The applications and their jobs, KEDA where it reads the lag, and nobody else.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "backing.labels" .name | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "backing.labels" .name | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector: { matchLabels: { app.kubernetes.io/name: perennial } }
        {{- if eq .name "kafka" }}
        - namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: keda } }
          podSelector: { matchLabels: { app.kubernetes.io/name: keda-operator } }
        {{- end }}
      ports: [{ protocol: TCP, port: {{ .port }} }]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  labels:
    {{- include "backing.labels" .name | nindent 4 }}
spec:
  serviceName: {{ .name }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "backing.labels" .name | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "backing.labels" .name | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: {{ .name }}
          image: {{ .server.image }}
          ports: [{ containerPort: {{ .port }} }]
          {{- toYaml .container | nindent 10 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: {{ ne .name "kafka" }}
            capabilities: { drop: [ALL] }
          resources:
            {{- toYaml .server.resources | nindent 12 }}
          volumeMounts:
            {{- range $name, $path := .volumes }}
            - { name: {{ $name }}, mountPath: {{ $path }} }
            {{- end }}
      volumes:
        {{- range $name, $path := .volumes }}
        {{- if not (and $.server.storage (eq $name "data")) }}
        - { name: {{ $name }}, emptyDir: {} }
        {{- end }}
        {{- end }}
  {{- with .server.storage }}
  volumeClaimTemplates:
    - metadata: { name: data }
      spec:
        accessModes: [ReadWriteOnce]
        resources: { requests: { storage: {{ . }} } }
  {{- end }}
{{- end -}}
