{{- /* The Secrets that nobody provides, as the JSON list that servicekit.create_secrets reads. Those of MySQL: charts/mysql. */}}
{{- define "efishery.secretsToCreate" -}}
{{- $secrets := list -}}
{{- if not .Values.auth.signingKey.existingSecret -}}
{{- $secrets = append $secrets (dict "name" "auth-signing-key" "tls" (dict "days" 3650)) -}}
{{- end -}}
{{- if and .Values.auth.firstAdmin.enabled (not .Values.auth.firstAdmin.existingSecret) -}}
{{- $phone := dict "phone" .Values.auth.firstAdmin.phone -}}
{{- $secrets = append $secrets (dict "name" "auth-first-admin" "values" $phone "passwords" (list "password")) -}}
{{- end -}}
{{- if and .Values.redis.enabled (not .Values.redis.existingSecret) -}}
{{- $passwords := list "admin-password" "auth-password" "fetch-password" "rate-cron-password" -}}
{{- $secrets = append $secrets (dict "name" "redis" "passwords" $passwords) -}}
{{- end -}}
{{ $secrets | toJson }}
{{- end }}

{{- /* For what the Job create-secrets needs: created before it, deleted when it has succeeded. */}}
{{- define "efishery.createSecretsHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-20"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
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
