{{/*
What is secret: given, in a Secret of the user's, or generated once and looked up ever after.
*/}}

{{/* "true" where Helm sees the cluster. A namespace that is about to be made is empty, and its maker may look around. */}}
{{- define "parkingspots.seesCluster" -}}
{{- if or (lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt") (lookup "v1" "Namespace" "" "kube-system") -}}true{{- end -}}
{{- end -}}

{{/* A value of a Secret that is there already, decoded. Call with (list . "secret" "key"). */}}
{{- define "parkingspots.kept" -}}
{{- $secret := lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1) -}}
{{- index (($secret | default dict).data | default dict) (index . 2) | default "" | b64dec -}}
{{- end -}}

{{/* The given value, the one that is kept, or a new one. Call with (list . given "secret" "key"). */}}
{{- define "parkingspots.generated" -}}
{{- $kept := include "parkingspots.kept" (list (index . 0) (index . 2) (index . 3)) -}}
{{- index . 1 | default $kept | default (randAlphaNum 48) -}}
{{- end -}}

{{/* Where Helm does not see the cluster, a generated secret would be another one at each time: it is refused. */}}
{{- define "parkingspots.objectionsToGenerating" -}}
{{- $missing := list -}}
{{- if not (or .Values.auth.existingSecret .Values.auth.secretKey) }}{{ $missing = append $missing "auth.existingSecret (key SECRET_KEY)" }}{{ end -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.auth.existingSecret) }}{{ $missing = append $missing "postgresql.auth.existingSecret (keys password and postgres-password)" }}{{ end -}}
{{- if and .Values.valkey.enabled (not (or .Values.valkey.auth.existingSecret .Values.valkey.auth.password)) }}{{ $missing = append $missing "valkey.auth.existingSecret (key password)" }}{{ end -}}
{{- if and $missing (not (include "parkingspots.seesCluster" .)) }}
Helm does not see the cluster (helm template, --dry-run=client, Argo CD), and what it generates would be another secret each time. Make Secrets, and name them in {{ join ", " $missing }}.
{{- end }}
{{- end -}}

{{/* Key and value of what is secret and stands in the values. JSON. */}}
{{- define "parkingspots.givenSecrets" -}}
{{- $given := dict -}}
{{- if not .Values.auth.existingSecret -}}
{{- $_ := set $given "SECRET_KEY" .Values.auth.secretKey -}}
{{- $_ := set $given "SECRET_KEY_PREVIOUS" .Values.auth.previousSecretKey -}}
{{- end -}}
{{- if and .Values.payments.enabled (not .Values.payments.existingSecret) -}}
{{- $_ := set $given "STRIPE_SECRET_KEY" .Values.payments.stripeSecretKey -}}
{{- $_ := set $given "STRIPE_WEBHOOK_SECRET" .Values.payments.stripeWebhookSecret -}}
{{- $_ := set $given "STRIPE_PUBLISHABLE_KEY" .Values.payments.stripePublishableKey -}}
{{- end -}}
{{- if not .Values.mail.existingSecret -}}
{{- $_ := set $given "SMTP_URL" .Values.mail.smtpUrl -}}
{{- end -}}
{{- if not (or .Values.postgresql.enabled .Values.externalDatabase.existingSecret) -}}
{{- $_ := set $given "DATABASE_PASSWORD" .Values.externalDatabase.password -}}
{{- end -}}
{{- if not (or .Values.valkey.enabled .Values.externalCache.existingSecret) -}}
{{- $_ := set $given "REDIS_PASSWORD" .Values.externalCache.password -}}
{{- end -}}
{{- range $key, $value := $given }}{{ if not $value }}{{ $_ := unset $given $key }}{{ end }}{{ end -}}
{{- toJson $given -}}
{{- end -}}

{{/* A Secret of the user's and how often it has changed. Call with (list . "secret"). */}}
{{- define "parkingspots.secretVersion" -}}
{{- with index . 1 -}}
{{- $there := lookup "v1" "Secret" (index $ 0).Release.Namespace . | default dict -}}
{{- printf "%s %s" . (($there.metadata | default dict).resourceVersion | default "") -}}
{{- end -}}
{{- end -}}

{{/*
Changes when the pods' secrets do. A generated one stays what it is; of a Secret that is the user's, Kubernetes counts the
changes.
*/}}
{{- define "parkingspots.secretState" -}}
{{- $root := . -}}
{{- $bundled := list (.Values.postgresql.auth | default dict) (.Values.valkey.auth | default dict) -}}
{{- $state := list (include "parkingspots.givenSecrets" .) -}}
{{- range $bundled -}}
{{- $state = append $state (.password | default "") -}}
{{- end -}}
{{- range concat (list .Values.auth .Values.payments .Values.mail .Values.externalDatabase .Values.externalCache) $bundled -}}
{{- $state = append $state (include "parkingspots.secretVersion" (list $root .existingSecret)) -}}
{{- end -}}
{{- $state = append $state (include "parkingspots.secretVersion" (list $root (include "parkingspots.databaseAuthority" .))) -}}
{{- join "\n" $state -}}
{{- end -}}

{{/* "true" where the chart has a Secret of its own. */}}
{{- define "parkingspots.hasSecret" -}}
{{- if or (not .Values.auth.existingSecret) (include "parkingspots.givenSecrets" . | fromJson) -}}true{{- end -}}
{{- end -}}

{{/* The Secret with the certificate that the database's is held against. */}}
{{- define "parkingspots.databaseAuthority" -}}
{{- if not .Values.postgresql.enabled }}{{ .Values.externalDatabase.caSecret }}{{ end -}}
{{- end -}}

{{- define "parkingspots.databaseSecret" -}}
{{- if .Values.postgresql.enabled -}}
{{- include "parkingspots.postgresql.secretName" .Subcharts.postgresql -}}
{{- else if .Values.externalDatabase.existingSecret -}}
{{- .Values.externalDatabase.existingSecret -}}
{{- else if .Values.externalDatabase.password -}}
{{- include "parkingspots.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* Under which key the password stands there. */}}
{{- define "parkingspots.databaseKey" -}}
{{- if .Values.postgresql.enabled -}}
{{- include "parkingspots.postgresql.passwordKey" . -}}
{{- else if .Values.externalDatabase.existingSecret -}}
{{- .Values.externalDatabase.passwordKey -}}
{{- else -}}
DATABASE_PASSWORD
{{- end -}}
{{- end -}}

{{- define "parkingspots.cacheSecret" -}}
{{- if .Values.valkey.enabled -}}
{{- include "parkingspots.valkey.secretName" .Subcharts.valkey -}}
{{- else if .Values.externalCache.existingSecret -}}
{{- .Values.externalCache.existingSecret -}}
{{- else if .Values.externalCache.password -}}
{{- include "parkingspots.fullname" . -}}
{{- end -}}
{{- end -}}
