{{- /* An image of this project, from the global registry. A tag of the component overrides the global tag, a digest both. */}}
{{- define "efishery.image" -}}
{{- with .root.Values.global.image.registry }}{{ . }}/{{ end -}}
{{ .values.image.repository }}{{ with .values.image.digest }}@{{ . }}{{ else }}:{{ include "efishery.imageTag" . }}{{ end }}
{{- end }}

{{- define "efishery.imageTag" -}}
{{ .values.image.tag | default .root.Values.global.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "efishery.imagePullSecrets" -}}
{{- with .root.Values.global.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
