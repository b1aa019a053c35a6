{{- /* What every pod's spec begins with. Jobs run under the account of the component they belong to: `account`. */}}
{{- define "efishery.podIdentity" -}}
serviceAccountName: {{ .account | default .name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "efishery.podSecurityContext" . | nindent 2 }}
{{- include "efishery.imagePullSecrets" . }}
{{- end }}

{{- /* Replicas spread over nodes where they can. */}}
{{- define "efishery.podSpread" -}}
{{- if gt (int .values.replicas) 1 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "efishery.selectorLabels" . | nindent 8 }}
{{- end }}
{{- end }}

{{- /* Where the values let it run. */}}
{{- define "efishery.podPlacement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* /metrics of an HTTP service; in a mesh, Istio's agent reads these and serves it with the proxy's own. */}}
{{- define "efishery.metricsAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end }}

{{- /* A pod that ends: its proxy, where there is a mesh, must end with it. */}}
{{- define "efishery.jobAnnotations" -}}
sidecar.istio.io/nativeSidecar: "true"
{{- with .values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}
