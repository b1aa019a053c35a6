{{- /*
The groups of a file of rules, as a YAML list. The files are complete, with numbers for the default values: a number
that a value decides is followed by a comment that names the value, `> 900 # fetch.listTtlSeconds, three times`.
Takes dict "root" $ "file" PATH "numbers" (dict COMMENT NUMBER) "runbookUrl" URL.
*/}}
{{- define "efishery.ruleGroups" -}}
{{- $text := .root.Files.Get .file | replace "namespace=\"efishery\"" (printf "namespace=%q" .root.Release.Namespace) -}}
{{- range $comment, $number := .numbers -}}
{{- $text = regexReplaceAll (printf "[0-9]+(s?) # %s\n" (regexQuoteMeta $comment)) $text (printf "%d${1} # %s\n" (int64 $number) $comment) -}}
{{- end -}}
{{- with .runbookUrl -}}
{{- $text = $text | replace "docs/operations.md#" (printf "%s#" .) -}}
{{- end -}}
{{ ($text | fromYaml).groups | toYaml }}
{{- end }}

{{- define "efishery.ruleNumbers" -}}
fetch.listTtlSeconds, three times: {{ mul 3 (int64 .Values.fetch.listTtlSeconds) }}
fetch.rateStaleAfterSeconds, three times: {{ mul 3 (int64 .Values.fetch.rateStaleAfterSeconds) }}
{{- with .Values.auth.keyRotation }}
auth.keyRotation.rotateDays and publishSeconds, and a day: {{ add (mul 86400 (add1 (int64 .rotateDays))) (int64 .publishSeconds) }}
{{- end }}
{{- end }}
