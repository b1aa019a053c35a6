{{- define "mysql.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- /* An image of this project: registry and tag of the parent chart's, unless it has its own tag. */}}
{{- define "mysql.agentImage" -}}
{{- $global := (.Values.global).image | default dict -}}
{{- with $global.registry }}{{ . }}/{{ end -}}
{{ .Values.agent.image.repository }}:{{ .Values.agent.image.tag | default $global.tag | default .Chart.Version }}
{{- end }}

{{- define "mysql.agentPullPolicy" -}}
{{ ((.Values.global).image).pullPolicy | default .Values.image.pullPolicy }}
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

{{- /* uid and gid 999 are those of `mysql` in the official image; the agent's account is bound to them. */}}
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

{{- /* `ping` succeeds once mysqld answers, even by refusing the account; it needs no group. */}}
{{- define "mysql.probe" -}}
exec:
  command: [mysqladmin, --no-defaults, --user=mysql_agent, --socket=/var/run/mysqld/mysqld.sock, --connect-timeout=4, --silent, ping]
timeoutSeconds: 5
{{- end }}

{{- /* Members spread over nodes where they can. */}}
{{- define "mysql.affinity" -}}
{{- if .Values.affinity }}
{{- toYaml .Values.affinity }}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "mysql.selectorLabels" . | nindent 12 }}
{{- end }}
{{- end }}
