{{- /* The URLs that the values name. */}}
{{- define "efishery.egress.urls" -}}
{{- $urls := concat (list (include "efishery.listUrl" .)) (include "efishery.rateCron.urls" . | fromJsonArray) .Values.egress.extraUrls -}}
{{- with (.Values.tracing).endpoint -}}{{- $urls = append $urls . -}}{{- end -}}
{{ $urls | toJson }}
{{- end }}

{{- /* Domain of the cluster's DNS. Without charts/mysql its default is not there. */}}
{{- define "efishery.clusterDomain" -}}
{{ .Values.mysql.clusterDomain | default "cluster.local" }}
{{- end }}

{{- /*
What the pods connect to outside the namespace, as a JSON object: {"services": [HOST…], "external": [{host, port, protocol}…]}.
A host without a dot is a Service of the namespace, one that ends with .svc or .svc.DOMAIN, of the cluster's DNS, a Service of another.
*/}}
{{- define "efishery.egress.destinations" -}}
{{- $services := list -}}
{{- $external := list -}}
{{- $domain := include "efishery.clusterDomain" . | lower -}}
{{- range include "efishery.egress.urls" . | fromJsonArray -}}
{{- $url := include "efishery.url" . | fromJson -}}
{{- $host := lower $url.host -}}
{{- if include "efishery.isAddress" $host -}}
{{- fail (printf "egress.registryOnly is set, and %s has an address: give the host's name, or set egress.registryOnly=false" .) -}}
{{- else if hasSuffix ".svc" $host -}}
{{- $services = append $services (printf "%s.%s" $host $domain) -}}
{{- else if hasSuffix (printf ".svc.%s" $domain) $host -}}
{{- $services = append $services $host -}}
{{- else if contains "." $host -}}
{{- $external = append $external (dict "host" $host "port" $url.port "protocol" (ternary "TLS" "HTTP" (eq $url.scheme "https"))) -}}
{{- end -}}
{{- end -}}
{{- dict "services" ($services | uniq) "external" ($external | uniq) | toJson -}}
{{- end }}

{{- /* Hosts and port of a MySQL and a Redis of your own, as a JSON list. */}}
{{- define "efishery.egress.databases" -}}
{{- $databases := list -}}
{{- if not .Values.mysql.enabled -}}
{{- $database := include "efishery.database" . | fromJson -}}
{{- $databases = append $databases (dict "name" "mysql" "hosts" (list $database.host $database.readHost | uniq) "port" (int64 $database.port)) -}}
{{- end -}}
{{- with .Values.redis.external -}}
{{- if not $.Values.redis.enabled -}}
{{- $databases = append $databases (dict "name" "redis" "hosts" (list .host) "port" (int64 .port)) -}}
{{- end -}}
{{- end -}}
{{ $databases | toJson }}
{{- end }}

{{- /* The hosts of such a database that are names, as a JSON list; a ServiceEntry needs one, also where all are addresses. */}}
{{- define "efishery.egress.names" -}}
{{- $names := list -}}
{{- range .hosts -}}
{{- if not (include "efishery.isAddress" .) -}}{{- $names = append $names . -}}{{- end -}}
{{- end -}}
{{ $names | default (list (printf "%s.invalid" .name)) | toJson }}
{{- end }}
