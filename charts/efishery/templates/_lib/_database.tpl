{{- /* The database that auth uses, as JSON: charts/mysql of this release, or one of your own. */}}
{{- define "efishery.database" -}}
{{- if .Values.mysql.enabled -}}
{{- dict "host" "mysql-primary" "readHost" "mysql-replicas" "port" 3306
      "name" .Values.mysql.database "user" .Values.mysql.user
      "secret" (.Values.mysql.existingSecret | default "mysql") "passwordKey" "password" | toJson -}}
{{- else -}}
{{- with .Values.auth.database -}}
{{- $host := required "auth.database.host is not set: give the host of your MySQL, or set mysql.enabled=true" .host -}}
{{- $secret := required "auth.database.existingSecret is not set: name the Secret with the password of your MySQL, or set mysql.enabled=true" .existingSecret -}}
{{- dict "host" $host "readHost" (.readHost | default $host) "port" .port
      "name" .name "user" .user "secret" $secret "passwordKey" .passwordKey | toJson -}}
{{- end -}}
{{- end -}}
{{- end }}
