{{- /*
Database settings for the Deployment and the Jobs of auth. The Jobs get no signing keys.
With `unverified` in the component, auth does not verify the server's certificate.
*/}}
{{- define "efishery.authDatabaseEnv" -}}
{{- $database := include "efishery.database" .root | fromJson -}}
{{- $url := "mysql+pymysql://%s@%s:%d/%s?charset=utf8mb4" -}}
{{ include "efishery.logEnv" . }}
- name: AUTH_DATABASE_URL
  value: {{ printf $url $database.user (include "efishery.urlHost" $database.host) (int $database.port) $database.name | quote }}
- name: AUTH_DATABASE_READ_URL
  value: {{ printf $url $database.user (include "efishery.urlHost" $database.readHost) (int $database.port) $database.name | quote }}
- name: AUTH_DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $database.secret }}
      key: {{ $database.passwordKey }}
{{- if and $database.caSecret (not .unverified) }}
- name: AUTH_DATABASE_CA_FILE
  value: /etc/efishery/database/ca.crt
{{- end }}
{{- with .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The account that may change tables; only the migration gets its password. */}}
{{- define "efishery.authMigrationEnv" -}}
{{- $database := include "efishery.database" . | fromJson -}}
{{- with $database.migrationUser -}}
- name: AUTH_MIGRATION_USER
  value: {{ . | quote }}
- name: AUTH_MIGRATION_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $database.migrationSecret }}
      key: {{ $database.migrationPasswordKey }}
{{- end }}
{{- end }}

{{- define "efishery.authDatabaseVolumeMounts" -}}
{{- if and (include "efishery.database" .root | fromJson).caSecret (not .unverified) -}}
- name: database-ca
  mountPath: /etc/efishery/database
  readOnly: true
{{ end -}}
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "efishery.authDatabaseVolumes" -}}
{{- $database := include "efishery.database" .root | fromJson -}}
{{- if and $database.caSecret (not .unverified) -}}
- name: database-ca
  secret:
    secretName: {{ $database.caSecret }}
    defaultMode: 0440
    # Mount only the CA: the Secret may also contain the server's private key.
    items:
      - key: {{ $database.caKey }}
        path: ca.crt
{{ end -}}
- name: tmp
  emptyDir: {}
{{- end }}

{{- define "efishery.authTokenEnv" -}}
- name: AUTH_SIGNING_KEY_FILE
  value: /etc/efishery/signing/tls.key
{{- if .root.Values.auth.signingKey.previousSecrets }}
- name: AUTH_VERIFICATION_KEYS_DIR
  value: /etc/efishery/keys
{{- end }}
- name: AUTH_TOKEN_ISSUER
  value: {{ .root.Values.tokens.issuer | quote }}
- name: AUTH_TOKEN_AUDIENCE
  value: {{ .root.Values.tokens.audience | quote }}
- name: AUTH_ACCESS_TOKEN_SECONDS
  value: {{ .root.Values.tokens.accessSeconds | int64 | quote }}
{{- with .root.Values.auth.publicUrl }}
- name: AUTH_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "efishery.authSessionEnv" -}}
- name: AUTH_SESSION_IDLE_SECONDS
  value: {{ .root.Values.auth.sessions.idleSeconds | int64 | quote }}
- name: AUTH_SESSION_SECONDS
  value: {{ .root.Values.auth.sessions.seconds | int64 | quote }}
- name: AUTH_REFRESH_GRACE_SECONDS
  value: {{ .root.Values.auth.sessions.refreshGraceSeconds | int64 | quote }}
- name: AUTH_REDIS_URL
  value: {{ include "efishery.redisUrl" (dict "root" .root "user" "auth" "externalUser" .root.Values.redis.external.authUser) | quote }}
- name: AUTH_REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "efishery.redisSecret" .root }}
      key: auth-password
{{- end }}

{{- define "efishery.authLockEnv" -}}
- name: AUTH_TRUSTED_PROXIES
  value: {{ .root.Values.auth.trustedProxies | int64 | quote }}
- name: AUTH_LOCK_FAILURES
  value: {{ .root.Values.auth.locks.failures | int64 | quote }}
- name: AUTH_LOCK_ADDRESS_FAILURES
  value: {{ .root.Values.auth.locks.addressFailures | int64 | quote }}
- name: AUTH_LOCK_WINDOW_SECONDS
  value: {{ .root.Values.auth.locks.windowSeconds | int64 | quote }}
- name: AUTH_LOCK_SECONDS
  value: {{ .root.Values.auth.locks.seconds | int64 | quote }}
{{- end }}

{{- /* What the container may use, for the number of password hashes at a time. */}}
{{- define "efishery.authResourcesEnv" -}}
{{- $resources := .values.resources -}}
{{- $cpu := ternary "limits.cpu" (ternary "requests.cpu" "" (hasKey ($resources.requests | default dict) "cpu")) (hasKey ($resources.limits | default dict) "cpu") -}}
{{- if $cpu }}
- name: AUTH_CPUS # rounded up
  valueFrom:
    resourceFieldRef: {resource: {{ $cpu }}}
{{- end }}
{{- if hasKey ($resources.limits | default dict) "memory" }}
- name: AUTH_MEMORY_BYTES
  valueFrom:
    resourceFieldRef: {resource: limits.memory}
{{- end }}
{{- end }}

{{- define "efishery.authVolumeMounts" -}}
- name: signing-key
  mountPath: /etc/efishery/signing
  readOnly: true
{{- if .root.Values.auth.signingKey.previousSecrets }}
- name: previous-keys
  mountPath: /etc/efishery/keys
  readOnly: true
{{- end }}
{{ include "efishery.authDatabaseVolumeMounts" . }}
{{- end }}

{{- define "efishery.authVolumes" -}}
- name: signing-key
  secret:
    secretName: {{ include "efishery.signingKeySecret" .root }}
    defaultMode: 0440
{{- if .root.Values.auth.signingKey.previousSecrets }}
- name: previous-keys
  projected:
    sources:
      {{- include "efishery.previousKeySources" .root | nindent 6 }}
{{- end }}
{{ include "efishery.authDatabaseVolumes" . }}
{{- end }}
