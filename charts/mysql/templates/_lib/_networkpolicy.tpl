{{- /* Whether the release has NetworkPolicies. Values that --reuse-values takes from an older release have no `networkPolicy`. */}}
{{- define "mysql.hasNetworkPolicies" -}}
{{- if (.Values.global.networkPolicy).enabled }}true{{ end -}}
{{- end }}

{{- /* The first lines of a NetworkPolicy for the pods `name`; what its rules do not allow is denied. Takes dict "root" $ "name" "mysql". */}}
{{- define "mysql.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.labels" .root | nindent 4 }}
spec:
  podSelector:
    {{- include "mysql.podSelector" (list .root .name) | nindent 4 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{- /* Takes list $ "mysql" "mysql-backup". */}}
{{- define "mysql.podSelector" -}}
matchLabels:
  app.kubernetes.io/instance: {{ (first .).Release.Name }}
matchExpressions:
  - {key: app.kubernetes.io/name, operator: In, values: [{{ rest . | join ", " }}]}
{{- end }}

{{- define "mysql.fromMonitoring" -}}
{{- with .Values.global.networkPolicy.monitoring -}}
- from:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: 9091
    # In a mesh: of Istio's agent.
    - port: 15020
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

{{- /* What each pod needs: DNS, at any address, and, in a mesh, the proxy's configuration and certificates. */}}
{{- define "mysql.toDnsAndMesh" -}}
- ports:
    {{- range .Values.global.networkPolicy.dnsPorts }}
    - {port: {{ . | int64 }}, protocol: UDP}
    - {port: {{ . | int64 }}, protocol: TCP}
    {{- end }}
{{- with .Values.global.networkPolicy.istiod }}
- to:
    {{- toYaml . | nindent 4 }}
  ports:
    - port: 15012
{{- end }}
{{- end }}
