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

{{- /* Whether Argo CD applies the release: "true" or empty. */}}
{{- define "mysql.isForArgoCd" -}}
{{- if ((.Values.global).compatibility).argoCd }}true{{ end -}}
{{- end }}

{{- /*
Takes {root, uid}. 999 for pods with a volume: it is `mysql` in the official image, owns the files of volumes, and the
agent's account is bound to it (docs/adr/0069).
*/}}
{{- define "mysql.podSecurityContext" -}}
runAsNonRoot: true
{{- if not (include "mysql.hasRandomUid" .root) }}
runAsUser: {{ .uid }}
runAsGroup: {{ .uid }}
fsGroup: {{ .uid }}
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

{{- /* Of a pod of a Job. A podAntiAffinity of the values is for the members, and could leave no node for a Job. */}}
{{- define "mysql.jobPlacement" -}}
{{- include "mysql.podPlacement" . }}
{{- with omit .Values.affinity "podAntiAffinity" }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Values may replace these. Inside a mesh, a native sidecar starts before the other containers and ends after them. */}}
{{- define "mysql.podAnnotations" -}}
{{- merge dict (.Values.podAnnotations | default dict) (dict "sidecar.istio.io/nativeSidecar" "true") | toYaml -}}
{{- end }}

{{- define "mysql.memberAnnotations" -}}
{{- $annotations := include "mysql.podAnnotations" . | fromYaml -}}
{{- if or .Values.metrics.enabled ((.Values.global.monitoring).podMonitors).enabled -}}
{{- $annotations = merge $annotations (dict "prometheus.io/scrape" "true" "prometheus.io/port" "9091" "prometheus.io/path" "/metrics") -}}
{{- end -}}
{{ toYaml $annotations }}
{{- end }}

{{- /*
Members are spread over zones and nodes. Nodes by anti-affinity, because the scheduler ignores every constraint on a node
that lacks the label of one (docs/adr/0068).
*/}}
{{- define "mysql.memberSpread" -}}
{{- $affinity := .Values.affinity }}
{{- if not (hasKey $affinity "podAntiAffinity") }}
{{- $affinity = merge (dict "podAntiAffinity" (include "mysql.hostAntiAffinity" . | fromYaml)) $affinity }}
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
{{- $labels := include "mysql.selectorLabels" . | fromYaml }}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $labels) }}
{{- if eq (.Values.antiAffinity | default "preferred") "required" }}
requiredDuringSchedulingIgnoredDuringExecution: {{ list $term | toJson }}
{{- else }}
preferredDuringSchedulingIgnoredDuringExecution: {{ list (dict "weight" 100 "podAffinityTerm" $term) | toJson }}
{{- end }}
{{- end }}
