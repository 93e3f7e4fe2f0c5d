{{/* The chart above asks for these names too. */}}

{{- define "valkey.fullname" -}}
{{- printf "%s-valkey" (include "parkingspots.shortened" (list .Release.Name 40)) -}}
{{- end -}}

{{- define "valkey.secretName" -}}
{{- .Values.auth.existingSecret | default (include "valkey.fullname" .) -}}
{{- end -}}

{{- define "valkey.passwordKey" -}}password{{- end -}}

{{- define "valkey.selectorLabels" -}}
app.kubernetes.io/name: valkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: cache
{{- end -}}

{{- define "valkey.metadata" -}}
name: {{ include "valkey.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "valkey.labels" . | nindent 2 }}
{{- end -}}

{{- define "valkey.labels" -}}
{{ include "valkey.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
app.kubernetes.io/part-of: parkingspots
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
