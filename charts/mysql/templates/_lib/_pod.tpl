{{- /* A digest overrides the tag. */}}
{{- define "mysql.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag }}{{ end }}
{{- end }}

{{- /* An image of this project: registry and tag of the parent chart's, unless it has its own tag or digest. */}}
{{- define "mysql.agentImage" -}}
{{- $global := (.Values.global).image | default dict -}}
{{- with $global.registry }}{{ . }}/{{ end -}}
{{ .Values.agent.image.repository -}}
{{- with .Values.agent.image.digest }}@{{ . }}{{ else }}:{{ .Values.agent.image.tag | default $global.tag | default .Chart.Version }}{{ end }}
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

{{- /* Whether the cluster chooses the user and group ids: "true" or empty. */}}
{{- define "mysql.hasRandomUid" -}}
{{- if ((.Values.global).compatibility).randomUid }}true{{ end -}}
{{- end }}

{{- /* uid and gid 999 are those of `mysql` in the official image. */}}
{{- define "mysql.podSecurityContext" -}}
runAsNonRoot: true
{{- if not (include "mysql.hasRandomUid" .) }}
runAsUser: 999
runAsGroup: 999
fsGroup: 999
{{- end }}
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
