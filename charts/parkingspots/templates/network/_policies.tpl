{{/* Everything out that a pod of the service's image needs. */}}
{{- define "parkingspots.serviceEgress" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- if .Values.postgresql.enabled }}
- to:
    - podSelector:
        matchLabels:
          {{- include "parkingspots.postgresql.selectorLabels" .Subcharts.postgresql | nindent 10 }}
  ports: [{port: 5432, protocol: TCP}]
{{- else }}
- ports:
    {{- range list .Values.externalDatabase.port .Values.externalDatabase.direct.port | uniq }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- if .Values.valkey.enabled }}
- to:
    - podSelector:
        matchLabels:
          {{- include "parkingspots.valkey.selectorLabels" .Subcharts.valkey | nindent 10 }}
  ports: [{port: 6379, protocol: TCP}]
{{- else if include "parkingspots.hasCache" . }}
- ports: [{port: {{ .Values.externalCache.port }}, protocol: TCP}]
{{- end }}
{{- with .Values.networkPolicy.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The pods that go to PostgreSQL and Valkey. */}}
{{- define "parkingspots.serviceIngress" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "parkingspots.name" . }}
      app.kubernetes.io/instance: {{ .Release.Name }}
    matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: [api, lifecycle, migration, purge]}
{{- end -}}

{{/* Call with (list . "component" "-suffix"). */}}
{{- define "parkingspots.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "parkingspots.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "parkingspots.selectorLabels" (list (index . 0) (index . 1)) | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}
