{{/* The chart above asks for these names too. */}}

{{/* At most 44 characters: a CronJob's name may have 52, and -restore comes behind it. */}}
{{- define "parkingspots.postgresql.fullname" -}}
{{- printf "%s-postgresql" (include "parkingspots.shortened" (list .Release.Name 33)) -}}
{{- end -}}

{{- define "parkingspots.postgresql.secretName" -}}
{{- .Values.auth.existingSecret | default (include "parkingspots.postgresql.fullname" .) -}}
{{- end -}}

{{- define "parkingspots.postgresql.passwordKey" -}}password{{- end -}}

{{- define "parkingspots.postgresql.selectorLabels" -}}
app.kubernetes.io/name: postgresql
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: database
{{- end -}}

{{/* Call with (list . "component"). */}}
{{- define "parkingspots.postgresql.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: postgresql
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/version: {{ include "parkingspots.written" $root.Values.image.tag | quote }}
app.kubernetes.io/part-of: parkingspots
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{/* Call with (list . "component" "-suffix"). */}}
{{- define "parkingspots.postgresql.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "parkingspots.postgresql.fullname" $root }}{{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "parkingspots.postgresql.labels" (list $root (index . 1)) | nindent 2 }}
{{- end -}}

{{- define "parkingspots.postgresql.image" -}}
{{- include "parkingspots.image" (list . .Values.image) -}}
{{- end -}}

{{/* The head of a pod on the image. */}}
{{- define "parkingspots.postgresql.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "parkingspots.imagePullSecrets" . }}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- include "parkingspots.placement" .Values }}
{{- end -}}

{{/*
A first start that is cut off leaves data without the application's role, and the image would take it as it is. So a mark stands beside the
data from before it is made until the role is there; what is found with its mark has served nobody, and is made anew.
*/}}
{{- define "parkingspots.postgresql.startScript" -}}
mark=$PGDATA.unfinished
if [ -e "$mark" ]; then rm -rf "${PGDATA:?}"; fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then mkdir -p "$(dirname "$PGDATA")"; touch "$mark"; fi
{{- if .Values.upgradeMajor }}
# The image begins beside the data of another version only in a folder that is not called as its own.
export PGDATA="$PGDATA/"
{{- end }}
exec docker-entrypoint.sh postgres "$@"
{{- end -}}

{{/* The head of a container on the image. Call with (list . "name"). */}}
{{- define "parkingspots.postgresql.container" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
image: {{ include "parkingspots.postgresql.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  {{- include "parkingspots.securityContext" $root | nindent 2 }}
{{- end -}}
