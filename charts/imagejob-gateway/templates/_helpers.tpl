{{/* What selects the gateway's pods. Never changed: a Deployment's selector can't be. */}}
{{- define "gateway.selectorLabels" -}}
app.kubernetes.io/name: imagejob-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{/* Of everything that is not in a pod. */}}
{{- define "gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: imagejob-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: imagejob-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* REPOSITORY:TAG@DIGEST; the digest decides, and the tag is for people. */}}
{{- define "gateway.image" -}}
{{- $image := .Values.image -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The names in a list of names and of objects with a name, as JSON. */}}
{{- define "gateway.names" -}}
{{- $names := list }}
{{- range . }}{{ if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end }}{{ end }}
{{- toJson $names }}
{{- end }}

{{/* The ConfigMaps of the gateway's state, as JSON. state/shards.py knows them by these names, and as many. */}}
{{- define "gateway.stateNames" -}}
{{- $names := list }}
{{- range until 16 }}{{ $names = append $names (printf "imagejob-gateway-state-%02d" .) }}{{ end }}
{{- toJson $names }}
{{- end }}

{{/* Fail where a value needs another one. */}}
{{- define "gateway.check" -}}
{{- if and .Values.metrics.enabled (eq (int .Values.port) (int .Values.metrics.port)) }}
{{- fail "metrics.port must differ from port: metrics aren't public" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled: it selects the Service" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs: the Gateways that it attaches to" }}
{{- end }}
{{- end }}
