{{/* Names, labels and addresses: each is said here and nowhere else. */}}
{{- define "arpent.labels" -}}
app.kubernetes.io/name: arpent
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .pool }}
arpent/pool: {{ . }}
{{- end }}
{{- end }}

{{- define "arpent.metadata" -}}
name: {{ .name }}
labels:
  {{- include "arpent.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "arpent.image" -}}
{{ .root.Values.image.registry }}/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* With one coordinator its Service, whose address stays; with several every pod's: one leads, the others refuse. */}}
{{- define "arpent.coordinatorAddress" -}}
{{- $peers := ternary "-peers" "" (gt (int .Values.coordinator.replicas) 1) -}}
{{ .Release.Name }}-coordinator{{ $peers }}.{{ .Release.Namespace }}.svc:7070
{{- end }}

{{/* Every shard by its own name, which decides what objects it holds. */}}
{{- define "arpent.cacheAddresses" -}}
{{- $shards := list -}}
{{- range $i := until (int .Values.cache.shards) -}}
{{- $shards = append $shards (printf "%s-tile-cache-%d.%s-tile-cache.%s.svc:7071" $.Release.Name $i $.Release.Name $.Release.Namespace) -}}
{{- end -}}
{{ join "," $shards }}
{{- end }}

{{- define "arpent.tlsSecret" -}}
{{- $key := ternary "tileCache" .component (eq .component "tile-cache") -}}
{{ index .root.Values.tls.existingSecrets $key | default (printf "%s-%s-tls" .root.Release.Name .component) }}
{{- end }}

{{- define "arpent.tokensSecret" -}}
{{ .Values.tokens.existingSecret | default (printf "%s-tokens" .Release.Name) }}
{{- end }}

{{- define "arpent.storeNames" -}}
{{- $names := list -}}
{{- range .Values.cache.stores }}{{ $names = append $names .name }}{{ end -}}
{{ join "," $names }}
{{- end }}
