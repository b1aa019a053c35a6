{{- /* The first lines of each pod spec. `account`: a Job uses the service account of the component it belongs to. */}}
{{- define "efishery.podIdentity" -}}
serviceAccountName: {{ .account | default .name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "efishery.podSecurityContext" . | nindent 2 }}
{{- include "efishery.imagePullSecrets" . }}
{{- end }}

{{- /*
Which nodes the pods run on, from the values. With `spread` in the component, several pods are spread over zones and
nodes. Nodes by anti-affinity, because the scheduler ignores every constraint on a node that lacks the label of one
(docs/adr/0068). With `jobOf`, the values are another component's: its podAntiAffinity could leave no node for a Job.
*/}}
{{- define "efishery.podPlacement" -}}
{{- with .values.priorityClassName | default (.root.Values.global).priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := .values.affinity | default dict }}
{{- if .jobOf }}
{{- $affinity = omit $affinity "podAntiAffinity" }}
{{- end }}
{{- if and .spread (include "efishery.several" .) }}
{{- if not (hasKey $affinity "podAntiAffinity") }}
{{- $affinity = merge (include "efishery.hostAntiAffinity" . | fromYaml) $affinity }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - topologyKey: {{ .topologyKey }}
    maxSkew: {{ .maxSkew | default 1 | int64 }}
    whenUnsatisfiable: {{ .whenUnsatisfiable | default "ScheduleAnyway" }}
    # Pods that a rollout replaces do not count.
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "efishery.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "efishery.hostAntiAffinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "efishery.selectorLabels" . | nindent 12 }}
{{- end }}

{{- /* Where to scrape /metrics. In a mesh, Istio's agent reads these annotations and adds the proxy's metrics. */}}
{{- define "efishery.metricsAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9090"
prometheus.io/path: /metrics
{{- end }}

{{- /* As a native sidecar, Istio's proxy starts before the other containers, and ends after them. */}}
{{- define "efishery.proxyAnnotations" -}}
sidecar.istio.io/nativeSidecar: "true"
{{- end }}

{{- /* Of any pod, and of one with metrics. Values may replace the chart's. */}}
{{- define "efishery.podAnnotations" -}}
{{- merge dict (.values.podAnnotations | default dict) (include "efishery.proxyAnnotations" . | fromYaml) | toYaml -}}
{{- end }}

{{- define "efishery.serverAnnotations" -}}
{{- merge (include "efishery.podAnnotations" . | fromYaml) (include "efishery.metricsAnnotations" . | fromYaml) | toYaml -}}
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
