{{- define "arpent.component" -}}
{{- $full := printf "%s-%s" .root.Release.Name .name -}}
{{- if gt (len .root.Release.Name) 30 }}{{ fail "release names longer than 30 characters make names of pods that Kubernetes refuses" }}{{ end -}}
{{- $labels := dict "app.kubernetes.io/name" "arpent" "app.kubernetes.io/instance" .root.Release.Name "app.kubernetes.io/component" .name -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $full }}
  labels: {{- toYaml $labels | nindent 4 }}
automountServiceAccountToken: false
{{- if .volumeSize }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $full }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector: {{- toYaml $labels | nindent 4 }}
  ports:
    - {name: grpc, port: {{ .port }}, targetPort: grpc}
    - {name: metrics, port: 9090, targetPort: metrics}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $full }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- toYaml $labels | nindent 6 }}
{{- end }}
---
apiVersion: apps/v1
kind: {{ if .volumeSize }}StatefulSet{{ else }}Deployment{{ end }}
metadata:
  name: {{ $full }}
  labels: {{- toYaml $labels | nindent 4 }}
spec:
  replicas: {{ .replicas }}
  {{- if .volumeSize }}
  serviceName: {{ $full }}
  {{- end }}
  selector:
    matchLabels: {{- toYaml $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- toYaml $labels | nindent 8 }}
    spec:
      serviceAccountName: {{ $full }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .grace }}
      securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      {{- with .nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .image }}
          image: "{{ .root.Values.image.registry }}/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: {{- toYaml (concat (list (printf "--listen=0.0.0.0:%v" .port) "--metrics-listen=0.0.0.0:9090") .args) | nindent 12 }}
          {{- with .existingSecret }}
          envFrom:
            - secretRef: {name: {{ . }}}
          {{- end }}
          ports:
            - {name: grpc, containerPort: {{ .port }}}
            - {name: metrics, containerPort: 9090}
          startupProbe: {grpc: {port: {{ .port }}}, periodSeconds: 2, failureThreshold: 60}
          livenessProbe: {grpc: {port: {{ .port }}}, periodSeconds: 10, timeoutSeconds: 5}
          readinessProbe: {grpc: {port: {{ .port }}, service: readiness}, periodSeconds: 5, timeoutSeconds: 5}
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          resources: {{- toYaml (.resources | default dict) | nindent 12 }}
          volumeMounts:
            - {name: scratch, mountPath: /tmp}
            {{- if .volumeSize }}
            - {name: data, mountPath: /data}
            {{- end }}
      volumes:
        - {name: scratch, emptyDir: {sizeLimit: {{ .scratchSize }}}}
  {{- if .volumeSize }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: {{ .volumeSize }}}}
  {{- end }}
{{- end }}
