{{/* Names, labels and hosts that Kubernetes or the product would not take. */}}

{{- define "parkingspots.objectionsToNames" -}}
{{- $fullname := include "parkingspots.fullname" . -}}
{{- $names := ternary list (list $fullname) (ne (.Values.fullnameOverride | default "") "") -}}
{{- if .Values.postgresql.enabled }}{{ $names = append $names (include "parkingspots.postgresql.fullname" .Subcharts.postgresql) }}{{ end -}}
{{- if .Values.valkey.enabled }}{{ $names = append $names (include "parkingspots.valkey.fullname" .Subcharts.valkey) }}{{ end -}}
{{- $wrong := list -}}
{{- range $names }}{{ if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .) }}{{ $wrong = append $wrong . }}{{ end }}{{ end -}}
{{- with first $wrong }}
{{ . }} cannot be the name of a Service: choose a name for the release that begins with a letter, and has letters, digits and dashes only.
{{- end }}
{{- range $where := list "auth" "payments" "mail" "externalDatabase" "externalCache" }}
{{- if and (include "parkingspots.hasSecret" $) (eq (index $.Values $where).existingSecret $fullname) }}
{{ $where }}.existingSecret is {{ $fullname }}, as the chart's own Secret is called: give yours another name.
{{- end }}
{{- end }}
{{- include "parkingspots.objectionsToLabels" . }}
{{- end -}}

{{/* Every value that is labels. JSON. */}}
{{- define "parkingspots.labelMaps" -}}
{{- $maps := dict
  "commonLabels" .Values.commonLabels
  "api.podLabels" .Values.api.podLabels
  "monitoring.labels" .Values.monitoring.labels
  "monitoring.dashboards.labels" .Values.monitoring.dashboards.labels
  "postgresql.podLabels" .Values.postgresql.podLabels
  "valkey.podLabels" .Values.valkey.podLabels
-}}
{{- toJson $maps -}}
{{- end -}}

{{- define "parkingspots.objectionsToLabels" -}}
{{- $own := include "parkingspots.ownLabels" (list . "") | fromYaml -}}
{{- $common := .Values.commonLabels | default dict -}}
{{- range $where, $labels := include "parkingspots.labelMaps" . | fromJson }}
{{- range $label, $_ := $labels }}
{{- if hasKey $own $label }}
{{ $where }}: {{ $label }} is the chart's own label: leave it out.
{{- else if and (hasKey $common $label) (ne $where "commonLabels") }}
{{ $where }}: {{ $label }} stands in commonLabels too: leave one of them out.
{{- end }}
{{- end }}
{{- end }}
{{- range $where, $annotations := dict "api.podAnnotations" .Values.api.podAnnotations "valkey.podAnnotations" .Values.valkey.podAnnotations }}
{{- range $annotation, $_ := $annotations }}
{{- if or (hasPrefix "checksum/" $annotation) (hasPrefix "parkingspots.dev/" $annotation) }}
{{ $where }}: {{ $annotation }} is the chart's own annotation: leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A host may be a name, an IPv4 address or an IPv6 address. It is not repeated: who writes a URL here may have a password in it. */}}
{{- define "parkingspots.objectionsToHosts" -}}
{{- $hosts := dict
  "externalDatabase.host" .Values.externalDatabase.host
  "externalDatabase.direct.host" .Values.externalDatabase.direct.host
  "externalCache.host" .Values.externalCache.host
-}}
{{- range $where, $host := $hosts }}
{{- if not (regexMatch "^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f.:]*)?$" ($host | default "")) }}
{{ $where }} holds more than a host: give its name or address alone. Port, user, password and database have values of their own.
{{- end }}
{{- end }}
{{- end -}}

{{/* "true" where extraEnv has a variable. Call with (list . "NAME"). */}}
{{- define "parkingspots.hasExtraEnv" -}}
{{- $name := index . 1 -}}
{{- range (index . 0).Values.extraEnv }}{{ if eq .name $name }}true{{ end }}{{ end -}}
{{- end -}}
