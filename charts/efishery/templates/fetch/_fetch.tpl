{{- define "efishery.listUrl" -}}
{{- if .Values.fetch.listUrl -}}
{{ .Values.fetch.listUrl }}
{{- else if .Values.sample.enabled -}}
http://sample/commodities
{{- else -}}
{{- fail "fetch.listUrl is not set: give the URL of the price list, or set sample.enabled=true for a generated one" -}}
{{- end -}}
{{- end }}
