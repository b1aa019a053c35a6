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

{{- /*
How a pod stops. Kubernetes removes a pod that is deleted from the endpoints of its Services. For `endpoints` seconds the
service goes on as before, since proxies learn of it with a delay; then it gets SIGTERM, accepts no more connections and
has `requests` seconds for those that are open. The proxy, a native sidecar, ends after it. `margin` is for both to exit.
*/}}
{{- define "efishery.stopSeconds" -}}
{{ dict "endpoints" 5 "requests" 25 "margin" 10 | toJson }}
{{- end }}

{{- define "efishery.terminationGracePeriod" -}}
{{- $seconds := include "efishery.stopSeconds" . | fromJson -}}
terminationGracePeriodSeconds: {{ add $seconds.endpoints $seconds.requests $seconds.margin }}
{{- end }}

{{- define "efishery.httpLifecycle" -}}
preStop:
  sleep:
    seconds: {{ (include "efishery.stopSeconds" . | fromJson).endpoints }}
{{- end }}

{{- /* Settings of all HTTP services. `prefix` is the prefix of the service's own settings, such as AUTH. */}}
{{- define "efishery.httpEnv" -}}
{{ include "efishery.serverEnv" . }}
{{ include "efishery.logEnv" . }}
{{- end }}

{{- define "efishery.serverEnv" -}}
- name: HTTP_THREADS
  value: {{ .values.threads | int64 | quote }}
- name: HTTP_GRACEFUL_SECONDS
  value: {{ (include "efishery.stopSeconds" . | fromJson).requests | quote }}
{{- end }}

{{- define "efishery.logEnv" -}}
- name: {{ .prefix }}_LOG_LEVEL
  value: {{ .root.Values.log.level | quote }}
- name: {{ .prefix }}_LOG_FORMAT
  value: {{ .root.Values.log.format | quote }}
{{- end }}

{{- /* OpenTelemetry's own variables, which also apply to what `extraEnv` adds, such as OTEL_EXPORTER_OTLP_HEADERS. */}}
{{- define "efishery.tracingEnv" -}}
{{- if (.root.Values.tracing).endpoint -}} {{- /* no `tracing` in values that --reuse-values takes from an older release */}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .root.Values.tracing.endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ .name }}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.namespace=efishery,service.version={{ include "efishery.imageTag" . }},service.instance.id=$(POD_NAME),k8s.namespace.name={{ .root.Release.Namespace }},k8s.pod.name=$(POD_NAME)
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .root.Values.tracing.sampleRatio | quote }}
{{- end -}}
{{- end }}

{{- /* For development: a command that runs that of the image, and starts it again when its files change. Takes list COMPONENT WORD…. */}}
{{- define "efishery.reloadCommand" -}}
{{- $component := first . -}}
{{- if and $component.root.Values.development $component.root.Values.development.reload -}} {{- /* no `development` in values that --reuse-values takes from an older release */}}
command: {{ concat (list "python" "-m" "servicekit.development" (printf "efishery_%s" $component.name)) (rest .) | toJson }}
{{- end }}
{{- end }}

{{- define "efishery.gunicornReloadCommand" -}}
{{- include "efishery.reloadCommand" (list . "gunicorn" "-c" "python:servicekit.gunicorn_conf" (printf "efishery_%s:create_app()" .name)) -}}
{{- end }}
