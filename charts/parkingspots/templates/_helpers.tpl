{{/* Names, labels and images that every resource shares. */}}

{{- define "parkingspots.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* A name, or its beginning and a hash, so that long names that begin alike stay apart. Call with (list "name" length). */}}
{{- define "parkingspots.shortened" -}}
{{- $name := index . 0 -}}
{{- $length := int (index . 1) -}}
{{- if le (len $name) $length -}}
{{- $name -}}
{{- else -}}
{{- printf "%s-%s" (trunc (int (sub $length 7)) $name | trimSuffix "-") (sha256sum $name | trunc 6) -}}
{{- end -}}
{{- end -}}

{{/* At most 40 characters: the longest suffix, -migrate-0000-00000000, fits behind it. */}}
{{- define "parkingspots.fullname" -}}
{{- $name := include "parkingspots.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- include "parkingspots.shortened" (list .Release.Name 40) -}}
{{- else -}}
{{- include "parkingspots.shortened" (list (printf "%s-%s" .Release.Name $name) 40) -}}
{{- end -}}
{{- end -}}

{{- define "parkingspots.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "parkingspots.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* Labels that never change: selectors rest on them. Call with (list . "component"). */}}
{{- define "parkingspots.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "parkingspots.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Those that no value may name. Call with (list . "component"). */}}
{{- define "parkingspots.ownLabels" -}}
{{- $root := index . 0 -}}
{{ include "parkingspots.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: parkingspots
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* Call with (list . "component"). */}}
{{- define "parkingspots.labels" -}}
{{- include "parkingspots.ownLabels" . }}
{{- with (index . 0).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Name, namespace and labels of a resource. Call with (list . "component" "-suffix"). */}}
{{- define "parkingspots.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "parkingspots.fullname" $root }}{{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "parkingspots.labels" (list $root (index . 1)) | nindent 2 }}
{{- end -}}

{{/* A word, or a whole number as people write it, whether a file or the command line gives it. */}}
{{- define "parkingspots.written" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if . }}{{ printf "%.0f" (float64 .) }}{{ end -}}
{{- end -}}

{{/* A whole image name. Call with (list . image). */}}
{{- define "parkingspots.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := $root.Values.global.imageRegistry | default $image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (ne $registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (include "parkingspots.written" ($image.tag | default $root.Chart.AppVersion)) -}}
{{- end -}}
{{- end -}}

{{- define "parkingspots.serviceImage" -}}
{{- include "parkingspots.image" (list . .Values.image) -}}
{{- end -}}

{{/* Those of an umbrella chart and the chart's own, by name or as Kubernetes has them. */}}
{{- define "parkingspots.imagePullSecrets" -}}
{{- with concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The schema revision that this release ends at: `parkingspots migrate heads`. */}}
{{- define "parkingspots.revision" -}}
{{- index .Chart.Annotations "parkingspots.dev/revision" -}}
{{- end -}}

{{/* Sets this release's answers in the cache apart from another's: what makes them has changed. */}}
{{- define "parkingspots.cacheRelease" -}}
{{- printf "%s %s %s" (include "parkingspots.serviceImage" .) .Chart.AppVersion (include "parkingspots.revision" .) | sha256sum | trunc 10 -}}
{{- end -}}

{{/* Placement, where it is given. Call with the section of the values. */}}
{{- define "parkingspots.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* "true" where answers are kept outside the pods. */}}
{{- define "parkingspots.hasCache" -}}
{{- if or .Values.valkey.enabled .Values.externalCache.host .Values.externalCache.existingSecret -}}true{{- end -}}
{{- end -}}
