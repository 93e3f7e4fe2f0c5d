{{/* CPU and memory that Kubernetes would not give, or that would not do. */}}

{{/* A quantity of Kubernetes's or a memory size of Valkey's, as a number; 0 where it is neither. */}}
{{- define "parkingspots.amount" -}}
{{- if kindIs "string" . -}}
{{- $factors := dict "" 1 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "kb" 1024 "mb" 1048576 "gb" 1073741824 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (get $factors (regexFind "[A-Za-z]*$" .) | float64) -}}
{{- else -}}
{{- float64 . -}}
{{- end -}}
{{- end -}}

{{/* Every value that is resources. JSON. */}}
{{- define "parkingspots.resourceMaps" -}}
{{- $postgresql := .Values.postgresql -}}
{{- $all := dict
  "api.resources" .Values.api.resources
  "lifecycle.resources" .Values.lifecycle.resources
  "migration.resources" .Values.migration.resources
  "operator.resources" .Values.operator.resources
  "tests.resources" .Values.tests.resources
  "postgresql.resources" $postgresql.resources
  "postgresql.backup.resources" ($postgresql.backup | default dict).resources
  "valkey.resources" .Values.valkey.resources
-}}
{{- toJson $all -}}
{{- end -}}

{{- define "parkingspots.objectionsToResources" -}}
{{- range $where, $resources := include "parkingspots.resourceMaps" . | fromJson }}
{{- $requests := ($resources | default dict).requests | default dict }}
{{- range $kind, $limit := ($resources | default dict).limits }}
{{- $request := get $requests $kind }}
{{- $most := include "parkingspots.amount" $limit | float64 }}
{{- if and $request (gt $most 0.0) (gt (include "parkingspots.amount" $request | float64) $most) }}
{{ $where }}: requests.{{ $kind }} is {{ $request }}, which is more than limits.{{ $kind }}, {{ $limit }}: Kubernetes refuses that. Raise the limit or lower the request.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.valkey }}
{{- $limit := (((.resources | default dict).limits) | default dict).memory }}
{{- $most := include "parkingspots.amount" ($limit | default "") | float64 }}
{{- if and .enabled (gt $most 0.0) (ge (include "parkingspots.amount" .maxMemory | float64) $most) }}
valkey.maxMemory is {{ .maxMemory }}, and the container may have {{ $limit }}: it would be killed where it is full. Raise valkey.resources.limits.memory above it, by a third at least.
{{- end }}
{{- end }}
{{- end -}}
