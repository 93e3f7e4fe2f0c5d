{{/* What every pod of the product has. */}}

{{- define "parkingspots.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "parkingspots.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The head of a pod of the service's image: it needs nothing of Kubernetes. */}}
{{- define "parkingspots.servicePod" -}}
serviceAccountName: {{ include "parkingspots.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "parkingspots.imagePullSecrets" . }}
securityContext:
  {{- include "parkingspots.podSecurityContext" . | nindent 2 }}
volumes:
  - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
  {{- with include "parkingspots.databaseAuthority" . }}
  - {name: database-authority, secret: {secretName: {{ . }}, items: [{key: {{ $.Values.externalDatabase.caKey }}, path: ca.crt}]}}
  {{- end }}
{{- end -}}

{{/* The head of a container of the service's image. Call with (list . "name" (list "command" …)). */}}
{{- define "parkingspots.serviceContainer" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
image: {{ include "parkingspots.serviceImage" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
command: {{ index . 2 | toJson }}
securityContext:
  {{- include "parkingspots.securityContext" $root | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if include "parkingspots.databaseAuthority" $root }}
  - {name: database-authority, mountPath: /etc/parkingspots}
  {{- end }}
{{- end -}}

{{/* Waits until the schema is one that this release knows, so that no pod serves before its migration. Call with (list . seconds). */}}
{{- define "parkingspots.gate" -}}
{{- $root := index . 0 -}}
{{ include "parkingspots.serviceContainer" (list $root "wait-for-schema" (list "parkingspots" "migrate" "wait" "--timeout" (toString (index . 1)))) }}
env:
  {{- include "parkingspots.directEnv" $root | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
resources:
  {{- toYaml $root.Values.lifecycle.resources | nindent 2 }}
{{- end -}}

{{/* New pods for new secrets. A Secret that is not the chart's is known by its resourceVersion. Slow to guess from. */}}
{{- define "parkingspots.checksums" -}}
checksum/secrets: {{ derivePassword 1 "long" (include "parkingspots.secretState" .) "checksum" .Release.Name | sha256sum }}
{{- end -}}
