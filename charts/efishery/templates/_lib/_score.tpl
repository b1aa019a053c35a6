{{- /*
Exceptions from checks of kube-score, for the annotations of an object; docs/adr/0069 has the reasons. A list of checks.
*/}}
{{- define "efishery.scoreExceptions" -}}
kube-score/ignore: {{ join "," . }}
{{- end }}

{{- /*
The same for an object that creates pods, which has two more:
container-resources: no CPU limit, because throttling delays requests while the node has idle CPUs.
container-image-pull-policy: a tag is never built twice, so IfNotPresent is enough, and a pod starts without the registry.
*/}}
{{- define "efishery.podScoreExceptions" -}}
{{- include "efishery.scoreExceptions" (concat (list "container-resources" "container-image-pull-policy") .) -}}
{{- end }}
