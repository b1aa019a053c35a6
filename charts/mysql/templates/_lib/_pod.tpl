{{- define "mysql.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- /* Own pull secrets first, then the parent chart's. */}}
{{- define "mysql.imagePullSecrets" -}}
{{- with concat .Values.image.pullSecrets (((.Values.global).image).pullSecrets | default list) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* uid and gid 999 are those of `mysql` in the official image. */}}
{{- define "mysql.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 999
runAsGroup: 999
fsGroup: 999
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "mysql.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* The account `probe` comes from prepare.sh: local socket, no password, no privilege. */}}
{{- define "mysql.probe" -}}
exec:
  command: [mysql, --no-defaults, --socket=/var/run/mysqld/mysqld.sock, --user=probe, --execute=SELECT 1]
timeoutSeconds: 5
{{- end }}
