{{- /* The container ports of an HTTP service. */}}
{{- define "efishery.httpPorts" -}}
- name: http
  containerPort: 8080
- name: http-management
  containerPort: 9090
{{- end }}

{{- /* 60 s to start; then alive while it answers at all, and ready while what it needs answers. */}}
{{- define "efishery.httpProbes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http-management}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /healthz, port: http-management}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: http-management}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{- /* Routes forget the pod before it stops: 5 s here, then 25 s (HTTP_GRACEFUL_SECONDS) for open requests. */}}
{{- define "efishery.httpLifecycle" -}}
preStop:
  sleep:
    seconds: 5
{{- end }}

{{- /* Settings that all HTTP services have; `prefix` is that of the service's own, such as AUTH. */}}
{{- define "efishery.httpEnv" -}}
{{ include "efishery.threadsEnv" . }}
{{ include "efishery.logEnv" . }}
{{- end }}

{{- define "efishery.threadsEnv" -}}
- name: HTTP_THREADS
  value: {{ .values.threads | int64 | quote }}
{{- end }}

{{- define "efishery.logEnv" -}}
- name: {{ .prefix }}_LOG_LEVEL
  value: {{ .root.Values.log.level | quote }}
- name: {{ .prefix }}_LOG_FORMAT
  value: {{ .root.Values.log.format | quote }}
{{- end }}
