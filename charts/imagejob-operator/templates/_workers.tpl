{{/* policies/workers.yaml (list $ TEXT) with policies.workers.managers and .evictors in place of its empty lists. */}}
{{- define "imagejob.workersListed" -}}
{{- $workers := (index . 0).Values.policies.workers }}
{{- $lists := dict "managers" ($workers.managers | default list) "evictors" ($workers.evictors | default list) }}
{{- range regexSplit "(?m)^---\\s*$" (index . 1) -1 }}
{{- $object := fromYaml . }}
{{- range $object.spec.variables }}
{{- if hasKey $lists .name }}{{ $_ := set . "expression" (index $lists .name | toRawJson) }}{{ end }}
{{- end }}
---
{{ toYaml $object }}
{{ end }}
{{- end }}
