{{/*
Combinations of values that cannot work, each a sentence that says what to change. Of what kind one value may be, the schema says.
*/}}

{{- define "parkingspots.objections" -}}
{{- include "parkingspots.objectionsToForms" . }}
{{- include "parkingspots.objectionsToNames" . }}
{{- include "parkingspots.objectionsToGenerating" . }}
{{- include "parkingspots.objectionsToSecrets" . }}
{{- include "parkingspots.objectionsToData" . }}
{{- include "parkingspots.objectionsToHosts" . }}
{{- include "parkingspots.objectionsToPods" . }}
{{- include "parkingspots.objectionsToResources" . }}
{{- include "parkingspots.objectionsToRoutes" . }}
{{- include "parkingspots.objectionsToSettings" . }}
{{- end -}}

{{/* Of a secret no more is said than its name; the schema would repeat it. */}}
{{- define "parkingspots.objectionsToSecrets" -}}
{{- with .Values.auth }}
{{- if and .existingSecret (or .secretKey .previousSecretKey) }}
auth.existingSecret and auth.secretKey: give one of them; the Secret may hold SECRET_KEY_PREVIOUS too.
{{- end }}
{{- range $name := list "secretKey" "previousSecretKey" }}
{{- $key := index $.Values.auth $name }}
{{- if and $key (lt (len $key) 32) }}
auth.{{ $name }} is too short: use at least 32 random characters.
{{- end }}
{{- end }}
{{- end }}
{{- range $name := list "postgresql" "valkey" }}
{{- $auth := (index $.Values $name).auth | default dict }}
{{- $password := $auth.password }}
{{- if and $password $auth.existingSecret }}
{{ $name }}.auth.existingSecret and {{ $name }}.auth.password: give one of them.
{{- end }}
{{- if and $password (not (regexMatch "^[A-Za-z0-9._~+/=-]{12,}$" $password)) }}
{{ $name }}.auth.password: use at least 12 letters, digits and signs of . _ ~ + / = -
{{- end }}
{{- end }}
{{- if not (regexMatch "^(smtps?://[^/\\s]+.*)?$" (.Values.mail.smtpUrl | default "")) }}
mail.smtpUrl: use the form smtp://user:password@host:587 or smtps://user:password@host:465.
{{- end }}
{{- $stripe := list .Values.payments.stripeSecretKey .Values.payments.stripeWebhookSecret .Values.payments.stripePublishableKey | compact }}
{{- with .Values.payments }}
{{- if and .enabled (not .existingSecret) (not (and .stripeSecretKey .stripeWebhookSecret)) }}
payments.enabled: name a Secret with Stripe's keys in payments.existingSecret, or give stripeSecretKey and stripeWebhookSecret.
{{- end }}
{{- if and .existingSecret $stripe }}
payments.existingSecret and Stripe's keys: give the Secret, or the keys.
{{- end }}
{{- if and (not .enabled) (or .existingSecret $stripe) }}
payments: Stripe's keys are given and nothing is paid. Set payments.enabled to true, or leave the keys out.
{{- end }}
{{- end }}
{{- if and .Values.mail.existingSecret .Values.mail.smtpUrl }}
mail.existingSecret and mail.smtpUrl: give one of them.
{{- end }}
{{- if eq .Values.environment "production" }}
{{- if not .Values.payments.enabled }}
environment is production and payments.enabled is false: nothing would be paid. Enable payments, or choose evaluation.
{{- end }}
{{- if not (or .Values.auth.existingSecret .Values.auth.secretKey) }}
environment is production: name a Secret with SECRET_KEY in auth.existingSecret. A generated one is for evaluation.
{{- end }}
{{- end }}
{{- end -}}

{{- define "parkingspots.objectionsToData" -}}
{{- with .Values.externalDatabase }}
{{- if and $.Values.postgresql.enabled (or .host .existingSecret .password .caSecret .direct.host) }}
postgresql.enabled and externalDatabase: choose one database. Set postgresql.enabled to false to use the external one.
{{- end }}
{{- if not $.Values.postgresql.enabled }}
{{- if not .host }}
postgresql.enabled is false: say in externalDatabase.host where the database is.
{{- end }}
{{- if not (or .existingSecret .password) }}
externalDatabase: name a Secret with the password in existingSecret.
{{- end }}
{{- end }}
{{- if and .existingSecret .password }}
externalDatabase.existingSecret and externalDatabase.password: give one of them.
{{- end }}
{{- if and (hasPrefix "verify-" (.sslmode | default "")) (not .caSecret) (not (include "parkingspots.hasExtraEnv" (list $ "PGSSLROOTCERT"))) }}
externalDatabase.sslmode is {{ .sslmode }}: name a Secret with the authority's certificate in caSecret, or for a public one set PGSSLROOTCERT to /etc/ssl/certs/ca-certificates.crt by extraEnv.
{{- end }}
{{- if and .caSecret (not (hasPrefix "verify-" (.sslmode | default ""))) }}
externalDatabase.caSecret is looked at by sslmode verify-ca and verify-full alone: set one of them.
{{- end }}
{{- end }}
{{- if and (not .Values.postgresql.enabled) ((.Values.postgresql.backup | default dict).enabled) }}
postgresql.backup is of the chart's own PostgreSQL, and postgresql.enabled is false: back the external database up where it runs.
{{- end }}
{{- if and .Values.postgresql.enabled (eq .Values.environment "production") (not (.Values.postgresql.persistence | default dict).enabled) }}
environment is production and postgresql.persistence.enabled is false: all bookings would be gone with the pod. Enable it, or use externalDatabase.
{{- end }}
{{- with .Values.externalCache }}
{{- if and $.Values.valkey.enabled (or .host .existingSecret .password) }}
valkey.enabled and externalCache: choose one cache. Set valkey.enabled to false to use the external one.
{{- end }}
{{- if and .urlKey (not .existingSecret) }}
externalCache.urlKey is a key of a Secret: name that in externalCache.existingSecret.
{{- end }}
{{- if and .existingSecret .password }}
externalCache.existingSecret and externalCache.password: give one of them.
{{- end }}
{{- if and (or .password (and .existingSecret (not .urlKey))) (not .host) }}
externalCache has a password and no host: give externalCache.host, or a whole URL by urlKey.
{{- end }}
{{- end }}
{{- if and .Values.postgresql.enabled (hasKey (.Values.postgresql.settings | default dict) "max_connections") }}
postgresql.settings.max_connections: use postgresql.maxConnections, against which pods × pool are held.
{{- end }}
{{- include "parkingspots.objectionsToPostgresql" . }}
{{- $allowed := int (ternary .Values.postgresql.maxConnections .Values.externalDatabase.maxConnections .Values.postgresql.enabled) }}
{{- $needed := int (include "parkingspots.connections" .) }}
{{- if and (gt $allowed 0) (gt $needed $allowed) }}
{{ include "parkingspots.mostPods" . }} API pods (with those that a rollout adds, and those that it shuts down) of {{ include "parkingspots.connectionsOfPod" . }} connections each, and {{ include "parkingspots.otherConnections" . }} for the minute job, migrations, backups and you, make {{ $needed }}: the database allows {{ $allowed }}. Lower api.databasePoolSize, api.replicas or api.autoscaling.maxReplicas, or raise {{ ternary "postgresql.maxConnections" "externalDatabase.maxConnections and the server's max_connections" .Values.postgresql.enabled }}.
{{- end }}
{{- end -}}

{{- define "parkingspots.objectionsToPostgresql" -}}
{{- with .Values.postgresql }}
{{- if .enabled }}
{{- if eq .auth.username "postgres" }}
postgresql.auth.username is postgres, the superuser: the application's role is another one, such as parkingspots.
{{- end }}
{{- if has .auth.database (list "postgres" "template0" "template1") }}
postgresql.auth.database is {{ .auth.database }}, which is PostgreSQL's own: choose another name, such as parkingspots.
{{- end }}
{{- $major := regexFind "^[0-9]+" (include "parkingspots.written" .image.tag) }}
{{- if and $major (not .image.digest) (lt (int $major) 18) }}
postgresql.image.tag is {{ .image.tag }}: the product needs PostgreSQL 18 or newer.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Two pools, one connection for /readyz and one for the log of changes. */}}
{{- define "parkingspots.connectionsOfPod" -}}
{{- add (mul 2 .Values.api.databasePoolSize) 2 -}}
{{- end -}}

{{/*
Those that are wanted, those that a rollout adds, and those that shut down meanwhile: one holds its connections for
preStopSeconds and until its requests are answered, about as long as two new ones take to start one after the other.
*/}}
{{- define "parkingspots.mostPods" -}}
{{- $wanted := int (ternary .Values.api.autoscaling.maxReplicas .Values.api.replicas .Values.api.autoscaling.enabled) -}}
{{- add $wanted .Values.api.maxSurge (min $wanted (mul 2 .Values.api.maxSurge)) -}}
{{- end -}}

{{/* Two of the minute job, two of a migration, one of a backup, two gates, three that PostgreSQL keeps for its superuser. */}}
{{- define "parkingspots.otherConnections" -}}10{{- end -}}

{{- define "parkingspots.connections" -}}
{{- add (mul (include "parkingspots.mostPods" .) (include "parkingspots.connectionsOfPod" .)) (include "parkingspots.otherConnections" .) -}}
{{- end -}}

{{- define "parkingspots.objectionsToPods" -}}
{{- with .Values.api }}
{{- $shortest := add .preStopSeconds 22 }}
{{- if lt (int .terminationGracePeriodSeconds) (int $shortest) }}
api.terminationGracePeriodSeconds is {{ .terminationGracePeriodSeconds }}: requests in flight would be cut off. Give it preStopSeconds and 22 more, so at least {{ $shortest }}.
{{- end }}
{{- if .autoscaling.enabled }}
{{- if gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas) }}
api.autoscaling.minReplicas is more than maxReplicas: turn them round.
{{- end }}
{{- if not ((.resources.requests | default dict).cpu) }}
api.autoscaling goes by the CPU that is requested: give api.resources.requests.cpu.
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.migration }}
{{- if ge (int .waitSeconds) (int .deadlineSeconds) }}
migration.waitSeconds is {{ .waitSeconds }}: the migration's time would be over before it begins. Keep it below migration.deadlineSeconds, {{ .deadlineSeconds }}.
{{- end }}
{{- end }}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
serviceAccount.create is false: name one that is there in serviceAccount.name.
{{- end }}
{{- end -}}

{{- define "parkingspots.objectionsToRoutes" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.enabled: name at least one of ingress.hosts; a host that is empty stands for any.
{{- end }}
{{- if and .Values.api.service.nodePort (eq .Values.api.service.type "ClusterIP") }}
api.service.nodePort is given and api.service.type is ClusterIP: set the type to NodePort, or leave the port out.
{{- end }}
{{- with .Values.api.service.nodePort }}
{{- if or (lt (int .) 30000) (gt (int .) 32767) }}
api.service.nodePort is {{ . }}: Kubernetes gives nodes' ports from 30000 to 32767. Choose one of these, or leave it out.
{{- end }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.enabled: name the Gateway in httpRoute.parentRefs.
{{- end }}
{{- if include "parkingspots.seesCluster" . }}
{{- if and .Values.httpRoute.enabled (not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1")) }}
httpRoute.enabled: the cluster has no Gateway API. Install it, or use ingress.
{{- end }}
{{- $monitoring := .Values.monitoring }}
{{- if and (or $monitoring.serviceMonitor.enabled $monitoring.podMonitor.enabled $monitoring.prometheusRule.enabled) (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}
monitoring: the cluster has no Prometheus operator. Install it, or leave serviceMonitor, podMonitor and prometheusRule off.
{{- end }}
{{- end }}
{{- end -}}

{{/* What a setting that is the chart's own is given by. JSON. */}}
{{- define "parkingspots.instead" -}}
{{- $bundled := .Values.postgresql.enabled -}}
{{- $elsewhere := ternary "postgresql.enabled: false and " "" $bundled -}}
{{- $cacheElsewhere := ternary "valkey.enabled: false and " "" .Values.valkey.enabled -}}
{{- $instead := dict
  "ENVIRONMENT" "environment"
  "SKIP_PAYMENT_PROCESSING" "payments.enabled"
  "MAIL_FROM" "mail.from"
  "TRUSTED_PROXIES" "trustedProxies"
  "DATABASE_POOL_SIZE" "api.databasePoolSize"
  "CACHE_RELEASE" "nothing: the chart knows it"
  "METRICS_PORT" "nothing: the chart knows it"
  "ENABLE_BACKGROUND_TASKS" "lifecycle.enabled"
  "SECRET_KEY" "auth"
  "SECRET_KEY_PREVIOUS" "auth"
  "STRIPE_SECRET_KEY" "payments"
  "STRIPE_WEBHOOK_SECRET" "payments"
  "STRIPE_PUBLISHABLE_KEY" "payments"
  "SMTP_URL" "mail"
  "DATABASE_URL" (print $elsewhere "externalDatabase with host, port, name, user and existingSecret")
  "DATABASE_HOST" (print $elsewhere "externalDatabase.host")
  "DATABASE_PORT" (print $elsewhere "externalDatabase.port")
  "DATABASE_NAME" (ternary "postgresql.auth.database" "externalDatabase.name" $bundled)
  "DATABASE_USER" (ternary "postgresql.auth.username" "externalDatabase.user" $bundled)
  "DATABASE_PASSWORD" (ternary "postgresql.auth.existingSecret" "externalDatabase.existingSecret" $bundled)
  "DATABASE_SSLMODE" (print $elsewhere "externalDatabase.sslmode")
  "REDIS_URL" (print $cacheElsewhere "externalCache.existingSecret with externalCache.urlKey")
  "REDIS_HOST" (print $cacheElsewhere "externalCache.host")
  "REDIS_PORT" (print $cacheElsewhere "externalCache.port")
  "REDIS_PASSWORD" (ternary "valkey.auth.existingSecret" "externalCache.existingSecret" .Values.valkey.enabled)
-}}
{{- toJson $instead -}}
{{- end -}}

{{- define "parkingspots.objectionsToSettings" -}}
{{- $instead := include "parkingspots.instead" . | fromJson }}
{{- range $name, $_ := .Values.settings }}
{{- with get $instead $name }}
settings.{{ $name }} is the chart's own: use {{ . }}.
{{- end }}
{{- end }}
{{- $seen := dict }}
{{- range .Values.extraEnv }}
{{- $name := .name }}
{{- with get $instead $name }}
extraEnv: {{ $name }} is the chart's own: use {{ . }}.
{{- end }}
{{- if hasKey $seen $name }}
extraEnv has {{ $name }} twice: leave one of them out.
{{- end }}
{{- if and (hasKey . "value") (hasKey . "valueFrom") }}
extraEnv: {{ $name }} has value and valueFrom: give one of them.
{{- end }}
{{- $_ := set $seen $name true }}
{{- end }}
{{- if and .Values.externalDatabase.caSecret (hasKey $seen "PGSSLROOTCERT") }}
externalDatabase.caSecret and PGSSLROOTCERT in extraEnv: give one of them.
{{- end }}
{{- end -}}
