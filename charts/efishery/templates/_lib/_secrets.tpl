{{- /*
A password in a generated Secret, in base64: the value in the cluster, so that upgrades keep it, or a new random one.
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

{{- /* Sources of a projected volume with the previous public keys, whose tokens are still accepted. */}}
{{- define "efishery.previousKeySources" -}}
{{- range .Values.auth.signingKey.previousSecrets }}
- secret:
    name: {{ . }}
    items:
      - key: tls.crt
        path: {{ . }}.crt
{{- end }}
{{- end }}
