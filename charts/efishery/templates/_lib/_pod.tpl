{{- /* The first lines of each pod spec. `account`: a Job uses the service account of the component it belongs to. */}}
{{- define "efishery.podIdentity" -}}
serviceAccountName: {{ .account | default .name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "efishery.podSecurityContext" . | nindent 2 }}
{{- include "efishery.imagePullSecrets" . }}
{{- end }}

{{- /* Spread replicas over nodes if possible. */}}
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

{{- /* Node selection from the values. */}}
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

{{- /* Where to scrape /metrics. In a mesh, Istio's agent reads these annotations and adds the proxy's metrics. */}}
{{- define "efishery.metricsAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end }}

{{- /* For pods that run to completion: as a native sidecar, Istio's proxy ends with them. */}}
{{- define "efishery.jobAnnotations" -}}
sidecar.istio.io/nativeSidecar: "true"
{{- with .values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* For the pods that use the Kubernetes API: an expiring token of the service account. */}}
{{- define "efishery.apiTokenVolume" -}}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - {key: ca.crt, path: ca.crt}
{{- end }}

{{- define "efishery.apiTokenMount" -}}
- name: token
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
