{{/* Rules of a NetworkPolicy: out to DNS. */}}
{{- define "imagejob.dns" -}}
- to:
    {{- with .Values.networkPolicy.dns.to }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
      podSelector:
        matchLabels: {k8s-app: kube-dns}
    {{- end }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{/*
What a block of addresses (list $ CIDR) is not to include. Only of the whole address space anything is taken out, for
an exception has to lie within its block; values.schema.json sees to it that no other block has link-local addresses.
*/}}
{{- define "imagejob.except" -}}
{{- $top := index . 0 }}{{ $cidr := index . 1 -}}
{{- if has $cidr (list "0.0.0.0/0" "::/0") }}
{{- $six := contains ":" $cidr -}}
except:
  - {{ ternary "fe80::/10" "169.254.0.0/16" $six | quote }}
  {{- range $top.Values.networkPolicy.workers.except }}
  {{- if eq $six (contains ":" .) }}
  - {{ . | quote }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
