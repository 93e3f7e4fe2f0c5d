{{/*
The environment of the product's containers: settings in the pods' own templates, so that an old pod that starts again has its old ones;
secrets from Secrets.
*/}}

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
{{- $_ := set $own "DATABASE_HOST" (include "parkingspots.postgresql.fullname" .Subcharts.postgresql) -}}
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
{{- $_ := set $own "REDIS_HOST" (include "parkingspots.valkey.fullname" .Subcharts.valkey) -}}
{{- $_ := set $own "REDIS_PORT" "6379" -}}
{{- else if .Values.externalCache.host -}}
{{- $_ := set $own "REDIS_HOST" .Values.externalCache.host -}}
{{- $_ := set $own "REDIS_PORT" (toString .Values.externalCache.port) -}}
{{- end -}}
{{- toJson $own -}}
{{- end -}}

{{/* All settings that are no secrets, as variables. Numbers are written as people write them. Call with (list . direct). */}}
{{- define "parkingspots.settings" -}}
{{- $root := index . 0 -}}
{{- $all := include "parkingspots.ownSettings" $root | fromJson -}}
{{- with $root.Values.externalDatabase.direct -}}
{{- if and (index $ 1) .host (not $root.Values.postgresql.enabled) -}}
{{- $_ := set $all "DATABASE_HOST" .host -}}
{{- $_ := set $all "DATABASE_PORT" (toString .port) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $root.Values.settings -}}
{{- $_ := set $all $name (ternary ($value | toString) (printf "%v" ($value | toJson) | trimAll "\"") (kindIs "string" $value)) -}}
{{- end -}}
{{- range $name, $value := $all }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* A variable out of a Secret. Call with (list "NAME" "secret" "key" optional). */}}
{{- define "parkingspots.fromSecret" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }}{{ if index . 3 }}, optional: true{{ end }}}
{{ end -}}

{{/* The variables of a container of the product. */}}
{{- define "parkingspots.env" -}}
{{ include "parkingspots.settings" (list . false) | trim }}
{{ include "parkingspots.secretEnv" . }}
{{- end -}}

{{/* Those out of Secrets, and the user's own. */}}
{{- define "parkingspots.secretEnv" -}}
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
{{- include "parkingspots.fromSecret" (list "REDIS_PASSWORD" . (include "parkingspots.valkey.passwordKey" $) false) }}
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
{{ include "parkingspots.settings" (list . true) | trim }}
{{ include "parkingspots.secretEnv" . }}
{{- end -}}
