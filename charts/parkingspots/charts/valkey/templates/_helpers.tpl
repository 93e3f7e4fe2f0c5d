{{/* The chart above asks for these names too. */}}

{{- define "parkingspots.valkey.fullname" -}}
{{- printf "%s-valkey" (include "parkingspots.shortened" (list .Release.Name 40)) -}}
{{- end -}}

{{- define "parkingspots.valkey.secretName" -}}
{{- .Values.auth.existingSecret | default (include "parkingspots.valkey.fullname" .) -}}
{{- end -}}

{{- define "parkingspots.valkey.passwordKey" -}}password{{- end -}}

{{- define "parkingspots.valkey.selectorLabels" -}}
app.kubernetes.io/name: valkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: cache
{{- end -}}

{{- define "parkingspots.valkey.metadata" -}}
name: {{ include "parkingspots.valkey.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "parkingspots.valkey.labels" . | nindent 2 }}
{{- end -}}

{{- define "parkingspots.valkey.labels" -}}
{{ include "parkingspots.valkey.selectorLabels" . }}
app.kubernetes.io/version: {{ include "parkingspots.written" .Values.image.tag | quote }}
app.kubernetes.io/part-of: parkingspots
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
