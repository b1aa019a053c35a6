{{- /* The connection parameters of auth's database, as JSON: charts/mysql of this release, or an external MySQL. */}}
{{- define "efishery.database" -}}
{{- if .Values.mysql.enabled -}}
{{- $migrationUser := "" -}}
{{- $migrationSecret := "" -}}
{{- if .Values.mysql.migration -}} {{- /* not in values that --reuse-values takes from an older release */}}
{{- $migrationUser = .Values.mysql.migration.user -}}
{{- $migrationSecret = .Values.mysql.migration.existingSecret -}}
{{- end -}}
{{- dict "host" "mysql-primary" "readHost" "mysql-replicas" "port" 3306
      "name" .Values.mysql.database "user" .Values.mysql.user
      "secret" (.Values.mysql.existingSecret | default "mysql") "passwordKey" "password"
      "migrationUser" $migrationUser
      "migrationSecret" ($migrationSecret | default "mysql-migration") "migrationPasswordKey" "password"
      "caSecret" (ternary .Values.mysql.tls.existingSecret "mysql-tls" (eq .Values.mysql.tls.source "existingSecret"))
      "caKey" "ca.crt" | toJson -}}
{{- else -}}
{{- $host := required "auth.database.host is not set: give the host of your MySQL, or set mysql.enabled=true" .Values.auth.database.host -}}
{{- $secret := required "auth.database.existingSecret is not set: name the Secret with the password of your MySQL, or set mysql.enabled=true" .Values.auth.database.existingSecret -}}
{{- dict "host" $host "readHost" (.Values.auth.database.readHost | default $host) "port" .Values.auth.database.port
      "name" .Values.auth.database.name "user" .Values.auth.database.user
      "secret" $secret "passwordKey" .Values.auth.database.passwordKey
      "migrationUser" (.Values.auth.database.migrationUser | default "")
      "migrationSecret" $secret "migrationPasswordKey" .Values.auth.database.migrationPasswordKey
      "caSecret" .Values.auth.database.tls.existingSecret "caKey" .Values.auth.database.tls.caKey | toJson -}}
{{- end -}}
{{- end }}

{{- /*
Whether auth can verify the database's certificate: "true" or empty. The upgrade that first creates the certificate of
charts/mysql runs its pre-upgrade hook against a server that does not have it yet.
*/}}
{{- define "efishery.databaseHasCaBeforeUpgrade" -}}
{{- $secret := (include "efishery.database" . | fromJson).caSecret -}}
{{- if or (not .Release.IsUpgrade) (not .Values.mysql.enabled) (lookup "v1" "Secret" .Release.Namespace $secret) -}}
true
{{- end -}}
{{- end }}
