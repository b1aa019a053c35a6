{{- /* The database that auth uses, as JSON: charts/mysql of this release, or one of your own. */}}
{{- define "efishery.database" -}}
{{- if .Values.mysql.enabled -}}
{{- dict "host" "mysql-primary" "readHost" "mysql-replicas" "port" 3306
      "name" .Values.mysql.database "user" .Values.mysql.user
      "secret" (.Values.mysql.existingSecret | default "mysql") "passwordKey" "password" | toJson -}}
{{- else -}}
{{- $host := required "auth.database.host is not set: give the host of your MySQL, or set mysql.enabled=true" .Values.auth.database.host -}}
{{- $secret := required "auth.database.existingSecret is not set: name the Secret with the password of your MySQL, or set mysql.enabled=true" .Values.auth.database.existingSecret -}}
{{- dict "host" $host "readHost" (.Values.auth.database.readHost | default $host) "port" .Values.auth.database.port
      "name" .Values.auth.database.name "user" .Values.auth.database.user
      "secret" $secret "passwordKey" .Values.auth.database.passwordKey | toJson -}}
{{- end -}}
{{- end }}
