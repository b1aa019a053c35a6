{{- /* Whether the release has NetworkPolicies. Values that --reuse-values takes from an older release have no `networkPolicy`. */}}
{{- define "efishery.hasNetworkPolicies" -}}
{{- if and .Values.global.networkPolicy .Values.global.networkPolicy.enabled }}true{{ end -}}
{{- end }}

{{- /*
The first lines of a NetworkPolicy; `ingress` and `egress` follow, and what neither allows is denied.
Takes dict "root" $ "name" "auth"; with `components`, the policy of several: dict "root" $ "name" "auth-jobs" "components" (list …).
*/}}
{{- define "efishery.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "efishery.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    {{- include "efishery.componentSelector" (prepend (.components | default (list .name)) .root) | nindent 4 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{- /* A selector of the pods of components, or of the whole release, canaries included. Takes list $ "fetch" "rate-cron". */}}
{{- define "efishery.componentSelector" -}}
{{- $release := (first .).Release.Name -}}
{{- $names := rest . | join ", " -}}
{{- if include "efishery.hasCanary" (first .) -}}
matchExpressions:
  - {key: app.kubernetes.io/instance, operator: In, values: [{{ $release }}, {{ $release }}-canary]}
{{- else -}}
matchLabels:
  app.kubernetes.io/instance: {{ $release }}
{{- if $names }}
matchExpressions:
{{- end }}
{{- end }}
{{- with $names }}
  - {key: app.kubernetes.io/name, operator: In, values: [{{ . }}]}
{{- end }}
{{- end }}

{{- /* Rules for other components of the release. Take list $ 6379 "auth" "fetch". */}}
{{- define "efishery.fromComponents" -}}
- from:
    - podSelector:
        {{- include "efishery.componentSelector" (prepend (slice . 2) (first .)) | nindent 8 }}
  ports:
    - port: {{ index . 1 }}
{{- end }}

{{- define "efishery.toComponents" -}}
- to:
    - podSelector:
        {{- include "efishery.componentSelector" (prepend (slice . 2) (first .)) | nindent 8 }}
  ports:
    - port: {{ index . 1 }}
{{- end }}

{{- /* From pods that a value names; from nobody, if it is empty. Takes list PEERS PORT. */}}
{{- define "efishery.fromPeers" -}}
{{- with first . -}}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: {{ last $ }}
{{- end }}
{{- end }}

{{- /* To any address: a NetworkPolicy has no names of hosts, and selects no API server. */}}
{{- define "efishery.toKubernetesApi" -}}
- ports:
    {{- range .Values.global.networkPolicy.kubernetesApiPorts }}
    - port: {{ . | int64 }}
    {{- end }}
{{- end }}

{{- /* Outside the release. Takes list $ PORT. */}}
{{- define "efishery.toExternal" -}}
- ports:
    - port: {{ index . 1 }}
  {{- with (first .).Values.global.networkPolicy.externalCidrs }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
  {{- end }}
{{- end }}

{{- /* Takes list $ URL. */}}
{{- define "efishery.toUrl" -}}
{{- $url := include "efishery.url" (last .) | fromJson -}}
{{- if eq $url.host "sample" -}}
{{ include "efishery.toComponents" (list (first .) 8080 "sample") }}
{{- else -}}
{{ include "efishery.toExternal" (list (first .) $url.port) }}
{{- end -}}
{{- end }}

{{- /* MySQL and Redis of the release, or your own. */}}
{{- define "efishery.toDatabase" -}}
{{- if .Values.mysql.enabled -}}
{{ include "efishery.toComponents" (list . 3306 "mysql") }}
{{- else -}}
{{ include "efishery.toExternal" (list . (.Values.auth.database.port | int64)) }}
{{- end -}}
{{- end }}

{{- define "efishery.toRedis" -}}
{{- if .Values.redis.enabled -}}
{{ include "efishery.toComponents" (list . 6379 "redis") }}
{{- else -}}
{{ include "efishery.toExternal" (list . (.Values.redis.external.port | int64)) }}
{{- end -}}
{{- end }}

{{- define "efishery.toTracing" -}}
{{- with (.Values.tracing).endpoint -}}
{{ include "efishery.toUrl" (list $ .) }}
{{- end -}}
{{- end }}

{{- /* What every pod needs. */}}
{{- define "efishery.toBasics" -}}
# DNS, at any address: where its servers are depends on the cluster.
- ports:
    {{- range .Values.global.networkPolicy.dnsPorts }}
    - {port: {{ . | int64 }}, protocol: UDP}
    - {port: {{ . | int64 }}, protocol: TCP}
    {{- end }}
{{- with .Values.global.networkPolicy.istiod }}
# In a mesh: the proxy's configuration and certificates.
- to:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: 15012
{{- end }}
{{- end }}
