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

{{- /*
Takes a uid. 999 for pods with a volume: it is `mysql` in the official image, owns the files of volumes, and the agent's
account is bound to it (docs/adr/0069).
*/}}
{{- define "mysql.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
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

{{- /* Which nodes any pod of the chart runs on. */}}
{{- define "mysql.podPlacement" -}}
{{- with .Values.priorityClassName | default (.Values.global).priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /*
Members are spread over zones and nodes. Nodes by anti-affinity, because the scheduler ignores every constraint on a node
that lacks the label of one (docs/adr/0068).
*/}}
{{- define "mysql.memberSpread" -}}
{{- $affinity := .Values.affinity }}
{{- if not (hasKey $affinity "podAntiAffinity") }}
{{- $affinity = merge (include "mysql.hostAntiAffinity" . | fromYaml) $affinity }}
{{- end }}
affinity:
  {{- toYaml $affinity | nindent 2 }}
{{- with .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - topologyKey: {{ .topologyKey }}
    maxSkew: {{ .maxSkew | default 1 | int64 }}
    whenUnsatisfiable: {{ .whenUnsatisfiable | default "ScheduleAnyway" }}
    labelSelector:
      matchLabels:
        {{- include "mysql.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "mysql.hostAntiAffinity" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "mysql.selectorLabels" . | nindent 12 }}
{{- end }}
