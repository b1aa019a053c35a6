{{- /*
A canary is a second instance of a component: the same account, configuration and policies, but a Deployment and a Service
of its own, and another value of the label app.kubernetes.io/instance, so that no selector of the stable pods matches it
(docs/adr/0081).
*/}}

{{- /* For each instance of a component whether it is the canary, as a JSON list. Takes dict "values" .Values.fetch. */}}
{{- define "efishery.instances" -}}
{{- if and .values.canary .values.canary.enabled -}} {{- /* no `canary` in values that --reuse-values takes from an older release */}}
[false, true]
{{- else -}}
[false]
{{- end -}}
{{- end }}

{{- /* Turns a component into its canary: `canary` is set, and `values` are those of its pods. */}}
{{- define "efishery.asCanary" -}}
{{- $image := .values.image -}}
{{- if or .values.canary.image.tag .values.canary.image.digest -}}
{{- $image = dict "repository" $image.repository "tag" .values.canary.image.tag "digest" .values.canary.image.digest -}}
{{- end -}}
{{- $own := dict "replicas" .values.canary.replicas "image" $image -}}
{{- $_ := set . "values" (merge $own (omit .values "replicas" "image" "autoscaling")) -}}
{{- $_ := set . "canary" true -}}
{{- end }}

{{- define "efishery.canarySuffix" -}}
{{ if .canary }}-canary{{ end }}
{{- end }}

{{- /* The name of a component's objects. */}}
{{- define "efishery.objectName" -}}
{{ .name }}{{ include "efishery.canarySuffix" . }}
{{- end }}

{{- define "efishery.hasCanary" -}}
{{- if or (.Values.auth.canary).enabled (.Values.fetch.canary).enabled (.Values.docs.canary).enabled -}}
true
{{- end -}}
{{- end }}
