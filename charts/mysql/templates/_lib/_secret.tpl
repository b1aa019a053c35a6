{{- define "mysql.secretName" -}}
{{ .Values.existingSecret | default "mysql" }}
{{- end }}

{{- /* The accounts that are not the application's, as a JSON list. */}}
{{- define "mysql.systemUsers" -}}
{{ list "root" "mysql_agent" "mysql_replication" | toJson }}
{{- end }}

{{- /*
The account that changes tables; empty if there is none. Values that --reuse-values takes from an older release have no `migration`.
*/}}
{{- define "mysql.migrationUser" -}}
{{- with .Values.migration -}}
{{- if and .user (has .user (append (include "mysql.systemUsers" $ | fromJsonArray) $.Values.user)) -}}
{{- fail (printf "migration.user is %s, which is the name of another account: choose another name, or set migration.user=\"\" to have none" .user) -}}
{{- end -}}
{{ $.Values.migration.user }}
{{- end -}}
{{- end }}

{{- define "mysql.migrationSecretName" -}}
{{ .Values.migration.existingSecret | default "mysql-migration" }}
{{- end }}

{{- define "mysql.tlsSecretName" -}}
{{ ternary .Values.tls.existingSecret "mysql-tls" (eq .Values.tls.source "existingSecret") }}
{{- end }}

{{- /* The Secrets that nobody provides, as the JSON list that servicekit.create_secrets reads. */}}
{{- define "mysql.secretsToCreate" -}}
{{- $secrets := list -}}
{{- if not .Values.existingSecret -}}
{{- $passwords := list "root-password" "password" "replication-password" -}}
{{- $secrets = append $secrets (dict "name" "mysql" "passwords" $passwords) -}}
{{- end -}}
{{- if and (include "mysql.migrationUser" .) (not .Values.migration.existingSecret) -}}
{{- $secrets = append $secrets (dict "name" "mysql-migration" "passwords" (list "password")) -}}
{{- end -}}
{{- if eq .Values.tls.source "generated" -}}
{{- $secrets = append $secrets (include "mysql.tlsSecretSpec" . | fromJson) -}}
{{- end -}}
{{ $secrets | toJson }}
{{- end }}

{{- /* The Secret with a generated certificate, as JSON. */}}
{{- define "mysql.tlsSecretSpec" -}}
{{- $hosts := include "mysql.names" . | fromJsonArray -}}
{{- dict "name" "mysql-tls" "tls" (dict "days" (int .Values.tls.days) "hosts" $hosts "addresses" (list "127.0.0.1")) | toJson -}}
{{- end }}

{{- /* Whether the CronJob renews the certificate. Values that --reuse-values takes from an older release have no `renewal`. */}}
{{- define "mysql.renewsCertificate" -}}
{{- if and (eq .Values.tls.source "generated") .Values.tls.renewal .Values.tls.renewal.enabled }}true{{ end -}}
{{- end }}

{{- /* The names under which clients and members reach the servers, as a JSON list. */}}
{{- define "mysql.names" -}}
{{- $names := list "localhost" -}}
{{- range list "mysql-primary" "mysql-replicas" "mysql" "*.mysql" -}}
{{- $names = concat $names (list . (printf "%s.%s" . $.Release.Namespace) (printf "%s.%s.svc" . $.Release.Namespace)
      (printf "%s.%s.svc.%s" . $.Release.Namespace $.Values.clusterDomain)) -}}
{{- end -}}
{{ $names | toJson }}
{{- end }}
