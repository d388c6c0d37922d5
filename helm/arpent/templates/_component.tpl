{{/* The one template of everything that runs: ServiceAccount, StatefulSet or Deployment. Arguments: root, component, pool,
     name, image, kind, port, replicas (left out when null), serviceName, grace (seconds), args, env, readiness (the health
     service's name), volumes, mounts, volumeSize, scratchSize (whole Gi), tokenKey ("" mounts all tokens) and settings: the
     values that every component has. */}}
{{- define "arpent.component" -}}
{{- $tls := .root.Values.tls.enabled -}}
{{- $tokens := .root.Values.tokens -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "arpent.metadata" . | nindent 2 }}
  {{- with .settings.serviceAccountAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: {{ .kind }}
metadata:
  {{- include "arpent.metadata" . | nindent 2 }}
spec:
  {{- if not (kindIs "invalid" .replicas) }}
  replicas: {{ .replicas }}
  {{- end }}
  {{- if eq .kind "StatefulSet" }}
  serviceName: {{ .serviceName }}
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: {{ ternary "Retain" "Delete" .root.Values.persistence.retain }}
    whenScaled: Retain
  {{- end }}
  selector:
    matchLabels: {{- include "arpent.labels" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "arpent.labels" . | nindent 8 }}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
        {{- with .settings.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .grace }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: {type: RuntimeDefault}
      {{- with .root.Values.image.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      {{- range $field := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
      {{- with index $.settings $field }}
      {{ $field }}: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "arpent.labels" $ | nindent 14 }}
        {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ .settings.image | default (include "arpent.image" .) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args:
            - --listen=0.0.0.0:{{ .port }}
            - --health-listen=0.0.0.0:8080
            - --metrics-listen=0.0.0.0:9090
            - --log-level={{ .root.Values.logLevel }}
            {{- if $tls }}
            - --tls-certificate=/etc/arpent/tls/tls.crt
            - --tls-key=/etc/arpent/tls/tls.key
            {{- if or .root.Values.tls.mutual (eq .component "worker") }}
            - --tls-authority=/etc/arpent/tls/ca.crt
            {{- end }}
            {{- end }}
            {{- if $tokens.enabled }}
            - {{ .tokenKey | empty | ternary "--tokens=/etc/arpent/tokens" (printf "--token-file=/etc/arpent/tokens/%s" .tokenKey) }}
            {{- if and .tokenKey (not $tls) }}
            - --plaintext-token
            {{- end }}
            {{- end }}
            {{- toYaml .args | nindent 12 }}
          {{- with concat (.env | default list) (.settings.extraEnv | default list) }}
          env: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .envSecret }}
          envFrom:
            - secretRef: {name: {{ . }}}
          {{- end }}
          ports:
            - {name: grpc, containerPort: {{ .port }}}
            - {name: health, containerPort: 8080}
            - {name: metrics, containerPort: 9090}
          startupProbe: {grpc: {port: 8080}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 120}
          livenessProbe: {grpc: {port: 8080}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
          readinessProbe: {grpc: {port: 8080, service: {{ .readiness | quote }}}, periodSeconds: 2, timeoutSeconds: 5}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          resources: {{- include "arpent.resources" . | nindent 12 }}
          volumeMounts:
            - {name: scratch, mountPath: /tmp}
            {{- if .volumeSize }}
            - {name: data, mountPath: /data}
            {{- end }}
            {{- if $tls }}
            - {name: tls, mountPath: /etc/arpent/tls, readOnly: true}
            {{- end }}
            {{- if $tokens.enabled }}
            - {name: tokens, mountPath: /etc/arpent/tokens, readOnly: true}
            {{- end }}
            {{- with .mounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        - name: scratch
          emptyDir: {sizeLimit: {{ .scratchSize }}}
        {{- if $tls }}
        - name: tls
          secret: {secretName: {{ include "arpent.tlsSecret" . }}, defaultMode: 0440}
        {{- end }}
        {{- if $tokens.enabled }}
        - name: tokens
          secret:
            secretName: {{ include "arpent.tokensSecret" .root }}
            defaultMode: 0440
            {{- with .tokenKey }}
            items: [{key: {{ . }}, path: {{ . }}}]
            {{- end }}
        {{- end }}
        {{- with .volumes }}{{ toYaml . | nindent 8 }}{{ end }}
  {{- if .volumeSize }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels: {{- include "arpent.labels" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .root.Values.persistence.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .volumeSize }}}}
  {{- end }}
{{- end }}

{{/* What the values say, and the local storage that the scratch folder and the logs may take. */}}
{{- define "arpent.resources" -}}
{{- $scratch := trimSuffix "Gi" .scratchSize | int -}}
{{- $local := dict "requests" (dict "ephemeral-storage" "128Mi") "limits" (dict "ephemeral-storage" (printf "%dGi" (add $scratch 1))) -}}
{{ toYaml (mergeOverwrite $local (deepCopy (.settings.resources | default dict))) }}
{{- end }}
