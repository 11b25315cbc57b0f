{{/* Every setting of the operator (operator/imagejob_operator/config/settings.py), as variables of its container. */}}
{{- define "imagejob.environment" -}}
{{- range $name, $value := include "imagejob.settings" . | fromYaml }}
{{- /* A number read from YAML is a float, and would be written as 5e+07. And the kubelet would fill in $(NAME). */}}
{{- $text := kindIs "float64" $value | ternary (int64 $value) $value | toString | replace "$(" "$$(" }}
- name: IMAGEJOB_{{ upper $name }}
  value: {{ $text | quote }}
{{- end }}
- name: IMAGEJOB_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: IMAGEJOB_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- end }}

{{/* The settings that are values. Structures are JSON. What is empty is left to the operator's own default. */}}
{{- define "imagejob.settings" -}}
{{- $worker := .Values.worker -}}
listen: {{ printf ":%v" .Values.port | quote }}
log_level: {{ .Values.logLevel }}
log_format: {{ .Values.logFormat }}
namespace_memory: {{ .Values.cache.bytesPerNamespace }}
metrics_namespaces: {{ .Values.metrics.namespaces }}
leader_election: {{ .Values.leaderElection.enabled }}
lease_seconds: {{ .Values.leaderElection.leaseSeconds }}
trust_requester: {{ include "imagejob.requesterIsStamped" . | default "false" }}
trust_on_behalf_of: {{ .Values.policies.gateways.enabled }}
quota: {{ join "," .Values.quota.default | quote }}
formats: {{ join "," .Values.formats | quote }}
internal_cidrs: {{ join "," .Values.stores.internalCidrs | quote }}
max_bytes: {{ .Values.limits.maxBytes }}
max_pixels: {{ .Values.limits.maxPixels }}
max_frames: {{ .Values.limits.maxFrames }}
max_timeout_seconds: {{ .Values.limits.maxTimeoutSeconds }}
max_retries: {{ .Values.limits.maxRetries }}
min_bytes_per_second: {{ .Values.limits.minBytesPerSecond }}
max_workers: {{ .Values.maxWorkers }}
max_workers_per_namespace: {{ .Values.maxWorkersPerNamespace }}
# (as text, so that numbers are written as integers)
reserved_worker_share: {{ .Values.reservedWorkerShare | quote }}
backoff_seconds: {{ .Values.backoffSeconds }}
worker_image: {{ include "imagejob.image" (list . $worker.image) | quote }}
worker_image_pull_policy: {{ $worker.image.pullPolicy }}
worker_parallelism: {{ $worker.parallelism }}
worker_cpu_millis: {{ include "imagejob.millis" $worker.cpu }}
{{- /* YAML takes `off` for false. */}}
worker_sandbox: {{ $worker.sandbox | default "off" | quote }}
scratch_size: {{ $worker.scratchSize }}
small_worker_memory: {{ $worker.memory.small.pod }}
small_child_memory: {{ $worker.memory.small.image }}
worker_memory: {{ $worker.memory.standard.pod }}
child_memory: {{ $worker.memory.standard.image }}
large_worker_memory: {{ $worker.memory.large.pod }}
large_child_memory: {{ $worker.memory.large.image }}
{{- with $worker.imagePullSecrets }}
worker_image_pull_secrets: {{ include "imagejob.names" . | fromJsonArray | join "," | quote }}
{{- end }}
{{- with $worker.nodeSelector }}
worker_node_selector: {{ toJson . | quote }}
{{- end }}
{{- with $worker.tolerations }}
worker_tolerations: {{ toJson . | quote }}
{{- end }}
{{- with $worker.annotations }}
worker_annotations: {{ toJson . | quote }}
{{- end }}
{{- with $worker.labels }}
worker_labels: {{ toJson . | quote }}
{{- end }}
{{- with $worker.priorityClassName }}
worker_priority_class_name: {{ . | quote }}
{{- end }}
{{- with $worker.runtimeClassName }}
worker_runtime_class_name: {{ . | quote }}
{{- end }}
{{- end }}
