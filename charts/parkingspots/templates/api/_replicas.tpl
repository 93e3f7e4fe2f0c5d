{{/*
How many pods, where the chart says so. Under a HorizontalPodAutoscaler it says nothing: but a number that Helm alone has set would fall
to one where Helm stops saying it, so it is said again for as long as nobody else has changed it.
*/}}
{{- define "parkingspots.replicas" -}}
{{- if not .Values.api.autoscaling.enabled -}}
{{- .Values.api.replicas -}}
{{- else -}}
{{- $there := lookup "apps/v1" "Deployment" .Release.Namespace (printf "%s-api" (include "parkingspots.fullname" .)) | default dict -}}
{{- $others := list -}}
{{- range ($there.metadata | default dict).managedFields -}}
{{- if and (ne .manager "helm") (hasKey (index (.fieldsV1 | default dict) "f:spec" | default dict) "f:replicas") -}}
{{- $others = append $others .manager -}}
{{- end -}}
{{- end -}}
{{- if and $there (not $others) -}}{{- $there.spec.replicas -}}{{- end -}}
{{- end -}}
{{- end -}}
