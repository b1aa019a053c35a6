{{- /* The container ports of an HTTP service. */}}
{{- define "efishery.httpPorts" -}}
- name: http
  containerPort: 8080
- name: http-management
  containerPort: 9090
{{- end }}

{{- /* Startup may take 60 s. Liveness: the process answers. Readiness: it accepts requests. */}}
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

{{- /* 5 s for Services and proxies to remove the pod, then up to 25 s (HTTP_GRACEFUL_SECONDS) for open requests. */}}
{{- define "efishery.httpLifecycle" -}}
preStop:
  sleep:
    seconds: 5
{{- end }}

{{- /* Settings of all HTTP services. `prefix` is the prefix of the service's own settings, such as AUTH. */}}
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
