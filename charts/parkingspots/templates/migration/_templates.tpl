{{/* The Jobs of a rollout, as the operator makes them, or Helm where there is none. */}}

{{- define "parkingspots.migrationTemplate" -}}
metadata:
  labels:
    {{- include "parkingspots.labels" (list . "migration") | nindent 4 }}
spec:
  backoffLimit: 0
  # A node that is drained is no failure of the migration: it is made again.
  podFailurePolicy:
    rules:
      - action: Ignore
        onPodConditions: [{type: DisruptionTarget, status: "True"}]
  activeDeadlineSeconds: {{ .Values.migration.deadlineSeconds }}
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels:
        {{- include "parkingspots.labels" (list . "migration") | nindent 8 }}
      annotations:
        {{- include "parkingspots.checksums" . | nindent 8 }}
    spec:
      {{- include "parkingspots.servicePod" . | nindent 6 }}
      restartPolicy: Never
      {{- include "parkingspots.placement" .Values.lifecycle | nindent 6 }}
      containers:
        - {{- include "parkingspots.serviceContainer" (list . "migrate" (list "parkingspots" "migrate" "upgrade" "--wait" (toString .Values.migration.waitSeconds) "--report" "/dev/termination-log")) | nindent 10 }}
          env:
            {{- include "parkingspots.directEnv" . | nindent 12 }}
          terminationMessagePolicy: FallbackToLogsOnError
          resources:
            {{- toYaml .Values.migration.resources | nindent 12 }}
{{- end -}}

{{- define "parkingspots.purgeTemplate" -}}
metadata:
  labels:
    {{- include "parkingspots.labels" (list . "purge") | nindent 4 }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: 600
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      labels:
        {{- include "parkingspots.labels" (list . "purge") | nindent 8 }}
    spec:
      {{- include "parkingspots.servicePod" . | nindent 6 }}
      restartPolicy: Never
      {{- include "parkingspots.placement" .Values.lifecycle | nindent 6 }}
      containers:
        - {{- include "parkingspots.serviceContainer" (list . "purge" (list "parkingspots" "cache" "purge")) | nindent 10 }}
          env:
            {{- include "parkingspots.env" . | nindent 12 }}
          terminationMessagePolicy: FallbackToLogsOnError
          resources:
            {{- toYaml .Values.lifecycle.resources | nindent 12 }}
{{- end -}}
