{{- /* Scheme, host and port of a URL, as JSON. */}}
{{- define "efishery.url" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host -}}
{{- dict "scheme" $url.scheme "host" (trimSuffix $port $url.host)
      "port" (trimPrefix ":" $port | default (ternary "443" "80" (eq $url.scheme "https")) | int64) | toJson -}}
{{- end }}
