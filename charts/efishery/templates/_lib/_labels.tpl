{{- /*
Every helper here takes a component: dict "root" $ "name" "rate-cron" "values" .Values.rateCron
*/}}

{{- /* The labels that never change: what Services and selectors may use. */}}
{{- define "efishery.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "efishery.labels" -}}
{{ include "efishery.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: efishery
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* A pod's labels leave out the chart's version: a new chart with the same pods must not restart them. */}}
{{- define "efishery.podLabels" -}}
{{ include "efishery.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: efishery
{{- with .values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
