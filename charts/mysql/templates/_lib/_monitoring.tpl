{{- /*
The groups of a file of rules, as a YAML list. The files are complete, with numbers for the default values: the number of
replicas and the time of a dump are followed by comments. Takes dict "root" $ "file" PATH "runbookUrl" URL.
*/}}
{{- define "mysql.ruleGroups" -}}
{{- $text := .root.Files.Get .file | replace "namespace=\"efishery\"" (printf "namespace=%q" .root.Release.Namespace) -}}
{{- $text = regexReplaceAll "[0-9]+ # replicas\n" $text (printf "%d # replicas\n" (int64 .root.Values.replicas)) -}}
{{- $text = regexReplaceAll "[0-9]+h # backup.deadlineSeconds and an hour\n" $text (printf "%dm\n" (div (add (int64 .root.Values.backup.deadlineSeconds) 3659) 60)) -}}
{{- with .runbookUrl -}}
{{- $text = $text | replace "docs/operations.md#" (printf "%s#" .) -}}
{{- end -}}
{{ ($text | fromYaml).groups | toYaml }}
{{- end }}
