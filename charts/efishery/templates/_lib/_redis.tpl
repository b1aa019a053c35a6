{{- /* The URL of Redis with the user but without the password. Takes dict "root" $ "user" "fetch" "externalUser" …. */}}
{{- define "efishery.redisUrl" -}}
{{- if .root.Values.redis.enabled -}}
redis://{{ .user }}@redis:6379/0
{{- else -}}
{{- $scheme := ternary "rediss" "redis" .root.Values.redis.external.tls -}}
{{- $host := required "redis.external.host is not set: give the host of your Redis, or set redis.enabled=true" .root.Values.redis.external.host -}}
{{- $port := .root.Values.redis.external.port | int64 -}}
{{- $database := .root.Values.redis.external.database | int64 -}}
{{ $scheme }}://{{ .externalUser }}@{{ include "efishery.urlHost" $host }}:{{ $port }}/{{ $database }}
{{- end -}}
{{- end }}

{{- define "efishery.redisSecret" -}}
{{- with .Values.redis.existingSecret -}}
{{- $secret := lookup "v1" "Secret" $.Release.Namespace . -}}
{{- if and $secret (not (hasKey ($secret.data | default dict) "auth-password")) -}}
{{- fail (printf "the Secret %s (redis.existingSecret) has no key auth-password: add it (docs/operations.md, A Redis of your own)" .) -}}
{{- end -}}
{{- end -}}
{{- if .Values.redis.enabled -}}
{{ .Values.redis.existingSecret | default "redis" }}
{{- else -}}
{{ required "redis.existingSecret is not set: name the Secret with auth-password, fetch-password and rate-cron-password of your Redis, or set redis.enabled=true" .Values.redis.existingSecret }}
{{- end -}}
{{- end }}
