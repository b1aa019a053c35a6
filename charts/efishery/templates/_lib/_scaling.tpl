{{- /* Whether a component can have more than one pod: "true" or empty. */}}
{{- define "efishery.several" -}}
{{- if or (gt (int .values.replicas) 1) (include "efishery.autoscaled" .) -}}
true
{{- end -}}
{{- end }}

{{- define "efishery.autoscaled" -}}
{{- if and .values.autoscaling .values.autoscaling.enabled -}} {{- /* no `autoscaling` in values that --reuse-values takes from an older release */}}
true
{{- end -}}
{{- end }}

{{- define "efishery.podDisruptionBudget" -}}
{{- if include "efishery.several" . -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "efishery.objectName" . }}
  labels:
    {{- include "efishery.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that is not ready serves nobody, so it must not block the drain of its node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "efishery.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{- define "efishery.horizontalPodAutoscaler" -}}
{{- if include "efishery.autoscaled" . -}}
{{- $least := int64 .values.autoscaling.minReplicas -}}
{{- $most := int64 .values.autoscaling.maxReplicas -}}
{{- if gt $least $most -}}
{{- fail (printf "%s.autoscaling.minReplicas is %d, above maxReplicas, %d: lower it, or set %s.autoscaling.maxReplicas higher" .name $least $most .name) -}}
{{- end -}}
{{- if not ((.values.resources).requests).cpu -}}
{{- fail (printf "%s.autoscaling.enabled is set, but %s.resources.requests.cpu is not: cpuUtilization is a percentage of it; give it, or set %s.autoscaling.enabled=false" .name .name .name) -}}
{{- end -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  labels:
    {{- include "efishery.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ $least }}
  maxReplicas: {{ $most }}
  metrics:
    # The service's container alone: a mesh adds a proxy to the pod, with a request of its own.
    - type: ContainerResource
      containerResource:
        name: cpu
        container: {{ .name }}
        target:
          type: Utilization
          averageUtilization: {{ .values.autoscaling.cpuUtilization | int64 }}
    {{- if gt (int64 .values.autoscaling.requestsPerSecond) 0 }}
    - type: Pods
      pods:
        metric:
          name: http_server_requests_per_second
        target:
          type: AverageValue
          averageValue: {{ .values.autoscaling.requestsPerSecond | int64 | quote }}
    {{- end }}
  behavior:
    {{- mergeOverwrite (include "efishery.scalingBehavior" . | fromYaml) (.values.autoscaling.behavior | default dict) | toYaml | nindent 4 }}
{{- end }}
{{- end }}

{{- define "efishery.scalingBehavior" -}}
# Up without a delay: each 15 s twice as many pods or four more, whichever is more.
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
    - {type: Pods, value: 4, periodSeconds: 15}
# Down by one pod a minute, to the highest number that the last five minutes needed.
scaleDown:
  stabilizationWindowSeconds: 300
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}
