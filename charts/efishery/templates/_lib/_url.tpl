{{- /* Scheme, host and port of a URL, as JSON. */}}
{{- define "efishery.url" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host -}}
{{- if and $port (or (lt (trimPrefix ":" $port | int64) 1) (gt (trimPrefix ":" $port | int64) 65535)) -}}
{{- fail (printf "%s has the port %s: give one from 1 to 65535" . (trimPrefix ":" $port)) -}}
{{- end -}}
{{- dict "scheme" $url.scheme "host" (trimSuffix $port $url.host)
      "port" (trimPrefix ":" $port | default (ternary "443" "80" (eq $url.scheme "https")) | int64) | toJson -}}
{{- end }}

{{- /* A host as a URL has it: an address of IPv6 in brackets (RFC 3986, section 3.2.2). */}}
{{- define "efishery.urlHost" -}}
{{ if contains ":" . }}[{{ trimAll "[]" . }}]{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* Whether a host is an address of IPv4 or IPv6: "true" or empty. */}}
{{- define "efishery.isAddress" -}}
{{- if regexMatch "^[0-9.]+$|:" . }}true{{ end -}}
{{- end }}
