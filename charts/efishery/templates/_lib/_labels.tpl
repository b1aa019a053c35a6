{{- /*
Each helper takes a component: dict "root" $ "name" "rate-cron" "values" .Values.rateCron
*/}}

{{- /* Labels that never change. Services and selectors may use only these. */}}
{{- define "efishery.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}{{ include "efishery.canarySuffix" . }}
{{- end }}

{{- define "efishery.labels" -}}
{{ include "efishery.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: efishery
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Pods do not have the chart version as a label: a new chart version alone must not restart them. */}}
{{- define "efishery.podLabels" -}}
{{ include "efishery.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: efishery
{{- with .values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
