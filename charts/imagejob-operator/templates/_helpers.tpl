{{/* What selects the operator's pods. Never changed: a Deployment's selector can't be. */}}
{{- define "imagejob.selectorLabels" -}}
app.kubernetes.io/name: imagejob-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Of everything that is not in a pod. */}}
{{- define "imagejob.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: imagejob-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: imagejob-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* REPOSITORY:TAG@DIGEST of (list $ IMAGE); the digest decides, and the tag is for people. */}}
{{- define "imagejob.image" -}}
{{- $top := index . 0 }}{{ $image := index . 1 -}}
{{ $image.repository }}:{{ $image.tag | default $top.Chart.AppVersion }}
{{- with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The names in a list of names and of objects with a name, as JSON. */}}
{{- define "imagejob.names" -}}
{{- $names := list }}
{{- range . }}{{ if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end }}{{ end }}
{{- toJson $names }}
{{- end }}

{{/* A CPU quantity, `250m` or `2`, in millicores. */}}
{{- define "imagejob.millis" -}}
{{- $cpu := toString . -}}
{{ if hasSuffix "m" $cpu }}{{ trimSuffix "m" $cpu }}{{ else }}{{ mul 1000 (int $cpu) }}{{ end }}
{{- end }}

{{/*
"true" if ImageJobs are stamped with who asked: the value says so, and the cluster has MutatingAdmissionPolicy. Where
no cluster is known (`helm template` without --api-versions), the version decides.
*/}}
{{- define "imagejob.requesterIsStamped" -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" }}
{{- $asked := .Capabilities.APIVersions.Has "v1/Pod" }}
{{- $new := semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version -}}
{{ if and .Values.policies.requester.enabled (or $served (and $new (not $asked))) }}true{{ end }}
{{- end }}

{{/*
The objects of a plain file (list $ TEXT), with our labels, and the release's namespace in the place of
imagejob-system. With a third item, labels that begin with it are dropped.
*/}}
{{- define "imagejob.plain" -}}
{{- $top := index . 0 }}
{{- $without := "" }}{{ if gt (len .) 2 }}{{ $without = index . 2 }}{{ end }}
{{- range $text := regexSplit "(?m)^---\\s*$" (index . 1) -1 }}
{{- with fromYaml $text }}
{{- with .Error }}{{ fail . }}{{ end }}
{{- $labels := include "imagejob.labels" $top | fromYaml }}
{{- range $name, $value := .metadata.labels }}
{{- if or (not $without) (not (hasPrefix $without $name)) }}{{ $_ := set $labels $name $value }}{{ end }}
{{- end }}
{{- $_ := set .metadata "labels" $labels }}
{{- if .metadata.namespace }}{{ $_ := set .metadata "namespace" $top.Release.Namespace }}{{ end }}
{{- range .subjects }}{{ if .namespace }}{{ $_ := set . "namespace" $top.Release.Namespace }}{{ end }}{{ end }}
---
{{ toYaml . }}
{{ end }}
{{- end }}
{{- end }}
