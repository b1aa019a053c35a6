{{- /*
Pod Security "restricted". Pods run as user 10001, as the images of this project do, or as `uid`. With
global.compatibility.randomUid the cluster chooses the ids.
*/}}
{{- define "efishery.podSecurityContext" -}}
runAsNonRoot: true
{{- if not (and .root.Values.global.compatibility .root.Values.global.compatibility.randomUid) }} {{- /* values of an older release have no `compatibility` */}}
runAsUser: {{ .uid | default 10001 }}
runAsGroup: {{ .uid | default 10001 }}
fsGroup: {{ .uid | default 10001 }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "efishery.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
