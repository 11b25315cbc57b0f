{{/*
policies/stores.yaml (list $ TEXT) with what its ConfigMap would hold written into the policy, as the variable `params`.

An API server that has seen a policy's last binding go never learns again what is in ConfigMaps, until it restarts:
docs/decisions/0018-the-allow-list-is-in-its-policy.md.
*/}}
{{- define "imagejob.storesAllowed" -}}
{{- $top := index . 0 }}
{{- $lines := list }}
{{- range $store := $top.Values.stores.allowed }}
{{- range .buckets }}{{ $lines = append $lines (printf "%s %s" $store.endpoint .) }}{{ end }}
{{- end }}
{{- $data := dict "allowed" ($lines | default (list "* *") | join "\n") }}
{{- with $top.Values.stores.claims }}{{ $_ := set $data "claims" (join "\n" .) }}{{ end }}
{{- $params := dict "name" "params" "expression" (dict "data" $data | toJson) }}
{{- $text := regexReplaceAll "\\bparams\\." (index . 1) "variables.params." }}
{{- range regexSplit "(?m)^---\\s*$" $text -1 }}
{{- $object := fromYaml . }}
{{- with $object.spec }}
{{- if .paramKind }}{{ $_ := set . "variables" (prepend .variables $params) }}{{ end }}
{{- $_ := unset . "paramKind" }}{{ $_ = unset . "paramRef" }}
{{- end }}
---
{{ toYaml $object }}
{{ end }}
{{- end }}
