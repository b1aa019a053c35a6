{{- /*
A key of a generated Secret, in base64: what the cluster has, else a new random password. So an upgrade keeps it.
Takes dict "root" $ "secret" NAME "key" KEY.
*/}}
{{- define "efishery.generatedPassword" -}}
{{- $existing := lookup "v1" "Secret" .root.Release.Namespace .secret | default dict -}}
{{- get ($existing.data | default dict) .key | default (randAlphaNum 32 | b64enc) -}}
{{- end }}

{{- define "efishery.signingKeySecret" -}}
{{ .Values.auth.signingKey.existingSecret | default "auth-signing-key" }}
{{- end }}

{{- define "efishery.firstAdminSecret" -}}
{{ .Values.auth.firstAdmin.existingSecret | default "auth-first-admin" }}
{{- end }}

{{- /* Public keys by which tokens are accepted, as sources of a projected volume: the former ones. */}}
{{- define "efishery.previousKeySources" -}}
{{- range .Values.auth.signingKey.previousSecrets }}
- secret:
    name: {{ . }}
    items:
      - key: tls.crt
        path: {{ . }}.crt
{{- end }}
{{- end }}
