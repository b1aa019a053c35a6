{{- define "mysql.secretName" -}}
{{ .Values.existingSecret | default "mysql" }}
{{- end }}

{{- define "mysql.tlsSecretName" -}}
{{ ternary .Values.tls.existingSecret "mysql-tls" (eq .Values.tls.source "existingSecret") }}
{{- end }}

{{- /* A key of the generated Secret, in base64: the one in the cluster, else a new random password. */}}
{{- define "mysql.generatedPassword" -}}
{{- $existing := lookup "v1" "Secret" .root.Release.Namespace "mysql" | default dict -}}
{{- get ($existing.data | default dict) .key | default (randAlphaNum 32 | b64enc) -}}
{{- end }}

{{- /* The names under which clients and members reach the servers, as a JSON list. */}}
{{- define "mysql.names" -}}
{{- $names := list "localhost" -}}
{{- range list "mysql-primary" "mysql-replicas" "mysql" "*.mysql" -}}
{{- $names = concat $names (list . (printf "%s.%s" . $.Release.Namespace) (printf "%s.%s.svc" . $.Release.Namespace)
      (printf "%s.%s.svc.%s" . $.Release.Namespace $.Values.clusterDomain)) -}}
{{- end -}}
{{ $names | toJson }}
{{- end }}
