{{/* The environment of the product's containers: settings in a ConfigMap, secrets from Secrets. */}}

{{/* What the chart decides itself. `settings` may not name these. JSON. */}}
{{- define "parkingspots.ownSettings" -}}
{{- $own := dict
  "ENVIRONMENT" .Values.environment
  "SKIP_PAYMENT_PROCESSING" (toString (not .Values.payments.enabled))
  "MAIL_FROM" .Values.mail.from
  "TRUSTED_PROXIES" (join "," .Values.trustedProxies)
  "DATABASE_POOL_SIZE" (toString .Values.api.databasePoolSize)
-}}
{{- if .Values.postgresql.enabled -}}
{{- $_ := set $own "DATABASE_HOST" (include "postgresql.fullname" .Subcharts.postgresql) -}}
{{- $_ := set $own "DATABASE_PORT" "5432" -}}
{{- $_ := set $own "DATABASE_NAME" .Values.postgresql.auth.database -}}
{{- $_ := set $own "DATABASE_USER" .Values.postgresql.auth.username -}}
{{- else -}}
{{- $_ := set $own "DATABASE_HOST" .Values.externalDatabase.host -}}
{{- $_ := set $own "DATABASE_PORT" (toString .Values.externalDatabase.port) -}}
{{- $_ := set $own "DATABASE_NAME" .Values.externalDatabase.name -}}
{{- $_ := set $own "DATABASE_USER" .Values.externalDatabase.user -}}
{{- with .Values.externalDatabase.sslmode }}{{ $_ := set $own "DATABASE_SSLMODE" . }}{{ end -}}
{{- end -}}
{{- if .Values.valkey.enabled -}}
{{- $_ := set $own "REDIS_HOST" (include "valkey.fullname" .Subcharts.valkey) -}}
{{- $_ := set $own "REDIS_PORT" "6379" -}}
{{- else if .Values.externalCache.host -}}
{{- $_ := set $own "REDIS_HOST" .Values.externalCache.host -}}
{{- $_ := set $own "REDIS_PORT" (toString .Values.externalCache.port) -}}
{{- end -}}
{{- toJson $own -}}
{{- end -}}

{{/* All settings that are no secrets, as YAML. Numbers are written as people write them. */}}
{{- define "parkingspots.settings" -}}
{{- $all := include "parkingspots.ownSettings" . | fromJson -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $all $name (ternary ($value | toString) (printf "%v" ($value | toJson) | trimAll "\"") (kindIs "string" $value)) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* A variable out of a Secret. Call with (list "NAME" "secret" "key" optional). */}}
{{- define "parkingspots.fromSecret" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}{{ if index . 3 }}, optional: true{{ end }}}
{{ end -}}

{{/* The variables of a container that is not settings alone. */}}
{{- define "parkingspots.env" -}}
{{- $name := include "parkingspots.fullname" . -}}
{{- with .Values.auth.existingSecret | default $name }}
{{- include "parkingspots.fromSecret" (list "SECRET_KEY" . "SECRET_KEY" false) }}
{{- include "parkingspots.fromSecret" (list "SECRET_KEY_PREVIOUS" . "SECRET_KEY_PREVIOUS" true) }}
{{- end }}
{{- if .Values.payments.enabled }}
{{- $from := .Values.payments.existingSecret | default $name }}
{{- range list "STRIPE_SECRET_KEY" "STRIPE_WEBHOOK_SECRET" "STRIPE_PUBLISHABLE_KEY" }}
{{- include "parkingspots.fromSecret" (list . $from . true) }}
{{- end }}
{{- end }}
{{- if or .Values.mail.existingSecret .Values.mail.smtpUrl }}
{{- include "parkingspots.fromSecret" (list "SMTP_URL" (.Values.mail.existingSecret | default $name) "SMTP_URL" false) }}
{{- end }}
{{- with include "parkingspots.databaseSecret" . }}
{{- include "parkingspots.fromSecret" (list "DATABASE_PASSWORD" . (include "parkingspots.databaseKey" $) false) }}
{{- end }}
{{- with include "parkingspots.cacheSecret" . }}
{{- if $.Values.valkey.enabled }}
{{- include "parkingspots.fromSecret" (list "REDIS_PASSWORD" . (include "valkey.passwordKey" $) false) }}
{{- else if and $.Values.externalCache.existingSecret $.Values.externalCache.urlKey }}
{{- include "parkingspots.fromSecret" (list "REDIS_URL" . $.Values.externalCache.urlKey false) }}
{{- else }}
{{- include "parkingspots.fromSecret" (list "REDIS_PASSWORD" . (ternary $.Values.externalCache.passwordKey "REDIS_PASSWORD" (ne $.Values.externalCache.existingSecret "")) false) }}
{{- end }}
{{- end }}
{{- if include "parkingspots.databaseAuthority" . }}
- {name: PGSSLROOTCERT, value: /etc/parkingspots/ca.crt}
{{ end }}
{{- with .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{/* The same for migrations and the gate, which go to the server itself and not to a pooler. */}}
{{- define "parkingspots.directEnv" -}}
{{- if and (not .Values.postgresql.enabled) .Values.externalDatabase.direct.host }}
- {name: DATABASE_HOST, value: {{ .Values.externalDatabase.direct.host | quote }}}
- {name: DATABASE_PORT, value: {{ .Values.externalDatabase.direct.port | quote }}}
{{ end }}
{{- include "parkingspots.env" . }}
{{- end -}}
