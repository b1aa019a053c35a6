{{- /* Where Redis is and who asks, without the password. Takes dict "root" $ "user" "fetch" "externalUser" …. */}}
{{- define "efishery.redisUrl" -}}
{{- with .root.Values.redis -}}
{{- if .enabled -}}
redis://{{ $.user }}@redis:6379/0
{{- else -}}
{{- $host := required "redis.external.host is not set: give the host of your Redis, or set redis.enabled=true" .external.host -}}
{{ ternary "rediss" "redis" .external.tls }}://{{ $.externalUser }}@{{ $host }}:{{ .external.port }}/{{ .external.database }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "efishery.redisSecret" -}}
{{- if .Values.redis.enabled -}}
{{ .Values.redis.existingSecret | default "redis" }}
{{- else -}}
{{ required "redis.existingSecret is not set: name the Secret with fetch-password and rate-cron-password of your Redis, or set redis.enabled=true" .Values.redis.existingSecret }}
{{- end -}}
{{- end }}
