{{/* The folders that Secrets are mounted into. */}}
{{- define "gateway.folder.store" -}}/etc/imagejob/stores/{{ . }}{{- end }}
{{- define "gateway.folder.issuer" -}}/etc/imagejob/issuers/{{ . }}{{- end }}

{{/* The gateway's file of settings: gateway/imagejob_gateway/config.py has its fields. */}}
{{- define "gateway.settings" -}}
{{- $stores := list }}
{{- range .Values.stores }}
{{- $store := dict "name" .name "credentials" (include "gateway.folder.store" .name) }}
{{- with .publicEndpoint }}{{ $_ := set $store "publicEndpoint" . }}{{ end }}
{{- with .direct }}{{ $_ := set $store "direct" . }}{{ end }}
{{- $stores = append $stores $store }}
{{- end }}
{{- $issuers := list }}
{{- range $at, $issuer := .Values.auth.issuers }}
{{- $given := omit $issuer "secretName" "key" }}
{{- if $issuer.secretName }}
{{- $_ := set $given "keyFile" (printf "%s/key" (include "gateway.folder.issuer" (toString $at))) }}
{{- end }}
{{- $issuers = append $issuers $given }}
{{- end }}
{{- $hosts := list }}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end }}
{{- if .Values.httpRoute.enabled }}{{ $hosts = concat $hosts .Values.httpRoute.hostnames }}{{ end }}
{{- dict
  "namespace" .Release.Namespace
  "listen" (printf ":%d" (int .Values.port))
  "metricsListen" (ternary (printf ":%d" (int .Values.metrics.port)) "" .Values.metrics.enabled)
  "hosts" $hosts
  "maxConnections" (int .Values.maxConnections)
  "stores" $stores
  "profiles" .Values.profiles
  "issuers" $issuers
  "prefix" .Values.uploads.prefix
  "formats" .Values.uploads.formats
  "maxBytes" .Values.uploads.maxBytes
  "limitPerSubject" .Values.uploads.limitPerSubject
  "retriesPerSubject" .Values.uploads.retriesPerSubject
  "minBytesPerSecond" (int .Values.uploads.minBytesPerSecond)
  "leaseSeconds" (int .Values.uploads.leaseSeconds)
  "slots" (dict
    "prefix" .Values.slots.prefix
    "seconds" (int .Values.slots.seconds)
    "maxOpen" (int .Values.slots.maxOpen))
  "urlSeconds" (int .Values.outputs.urlSeconds)
  "internalCidrs" .Values.internalCidrs
  "corsOrigins" .Values.cors.origins
  "logLevel" .Values.logLevel
  "logFormat" .Values.logFormat
  | toPrettyJson }}
{{- end }}
