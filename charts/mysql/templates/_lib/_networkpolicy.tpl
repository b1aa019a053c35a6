{{- /* Whether the release has NetworkPolicies. Values that --reuse-values takes from an older release have no `networkPolicy`. */}}
{{- define "mysql.hasNetworkPolicies" -}}
{{- if and .Values.global.networkPolicy .Values.global.networkPolicy.enabled }}true{{ end -}}
{{- end }}

{{- /*
The first lines of a NetworkPolicy; `ingress` and `egress` follow, and what neither allows is denied.
Takes dict "root" $ "name" "mysql"; with `pods`, the policy of several: dict "root" $ "name" "mysql-default" "pods" (list …).
*/}}
{{- define "mysql.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.labels" .root | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    {{- include "mysql.podSelector" (prepend (.pods | default (list .name)) .root) | nindent 4 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{- /* Takes list $ "mysql" "mysql-backup". */}}
{{- define "mysql.podSelector" -}}
matchLabels:
  app.kubernetes.io/instance: {{ (first .).Release.Name }}
matchExpressions:
  - {key: app.kubernetes.io/name, operator: In, values: [{{ rest . | join ", " }}]}
{{- end }}

{{- /* From pods that a value names; from nobody, if it is empty. Takes list PEERS PORT. */}}
{{- define "mysql.fromPeers" -}}
{{- with first . -}}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: {{ last $ }}
{{- end }}
{{- end }}

{{- define "mysql.toMembers" -}}
- to:
    - podSelector:
        {{- include "mysql.podSelector" (list . "mysql") | nindent 8 }}
  ports:
    - port: 3306
{{- end }}

{{- /* To any address: a NetworkPolicy selects no API server. */}}
{{- define "mysql.toKubernetesApi" -}}
- ports:
    {{- range .Values.global.networkPolicy.kubernetesApiPorts }}
    - port: {{ . | int64 }}
    {{- end }}
{{- end }}

{{- /* What every pod needs. */}}
{{- define "mysql.toBasics" -}}
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
