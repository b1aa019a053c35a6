{{- define "mysql.secretName" -}}
{{ .Values.existingSecret | default "mysql" }}
{{- end }}

{{- /* A key of the generated Secret, in base64: what the cluster has, else a new random password. */}}
{{- define "mysql.generatedPassword" -}}
{{- $existing := lookup "v1" "Secret" .root.Release.Namespace "mysql" | default dict -}}
{{- get ($existing.data | default dict) .key | default (randAlphaNum 32 | b64enc) -}}
{{- end }}
