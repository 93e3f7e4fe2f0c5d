{{/* The rules of files/, which any Prometheus loads as they are, made this release's own. */}}

{{- define "parkingspots.ruleGroups" -}}
{{- $files := list "files/rules/*.yaml" -}}
{{- if .Values.monitoring.rules.kubeStateMetrics -}}
{{- $files = append $files "files/kube-state-metrics/*.yaml" -}}
{{- end -}}
{{- range $pattern := $files }}
{{- range $path, $file := $.Files.Glob $pattern }}
{{- range (toString $file | fromYaml).groups }}
{{- $group := . }}
{{- $kept := list }}
{{- range .rules }}
{{- if not (has .alert (include "parkingspots.alertsLeftOut" $ | fromJsonArray)) }}
{{- $kept = append $kept (include "parkingspots.ownRule" (list $ .) | fromYaml) }}
{{- end }}
{{- end }}
{{- if $kept }}
{{ list (set $group "rules" $kept) | toYaml }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A rule that looks at this release's namespace and pods alone, and leads to its runbook. Call with (list . rule). */}}
{{- define "parkingspots.ownRule" -}}
{{- $root := index . 0 -}}
{{- $rule := index . 1 -}}
{{- $expr := regexReplaceAll "([a-zA-Z0-9_:]+){" $rule.expr (printf "${1}{namespace=%q, " $root.Release.Namespace) -}}
{{- $names := printf "(%s|%s)-.*" (include "parkingspots.fullname" $root) $root.Release.Name -}}
{{- $_ := set $rule "expr" ($expr | replace ", }" "}" | replace ".*parkingspots.*" $names) -}}
{{- with $rule.annotations -}}
{{- $_ := set . "runbook_url" (printf "%s/%s" ($root.Values.monitoring.rules.runbookBase | trimSuffix "/") (base .runbook_url)) -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}

{{/* Alerts that would tell nothing here. JSON. */}}
{{- define "parkingspots.alertsLeftOut" -}}
{{- concat .Values.monitoring.rules.leaveOut (ternary list (list "ParkingSpotsCacheIsDown") (eq (include "parkingspots.hasCache" .) "true")) | toJson -}}
{{- end -}}
