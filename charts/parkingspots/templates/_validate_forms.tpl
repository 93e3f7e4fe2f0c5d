{{/* What a value must look like, in a sentence: the schema, which says what kind it is, would print an expression. */}}

{{/* The expression that a value of a kind matches, and what is said of one that does not. JSON. */}}
{{- define "parkingspots.forms" -}}
{{- $forms := dict
  "schedule" (list "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|([0-9A-Za-z*/,-]+ +){4}[0-9A-Za-z*/,-]+)$" "use the five fields of cron, such as \"17 3 * * *\", or a word such as @hourly")
  "quantity" (list "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$" "use a number with a unit of Kubernetes and no space between, such as 250m of a CPU or 512Mi of memory")
  "network" (list "^(((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(/([12]?[0-9]|3[0-2]))?|[0-9a-fA-F]*:[0-9a-fA-F:.]*(/([0-9]{1,2}|1[01][0-9]|12[0-8]))?)$" "use an address or a network, such as 10.0.0.7, 10.0.0.0/8 or fc00::/7")
  "resourceName" (list "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" "use the name of a resource: small letters, digits, dashes and dots, a letter or digit at both ends")
  "nameOverride" (list "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" "use small letters, digits and dashes, a letter or digit at both ends")
  "fullname" (list "^[a-z]([-a-z0-9]*[a-z0-9])?$" "use small letters, digits and dashes, a letter first and no dash last")
  "label" (list "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$" "a label's value has letters, digits, dashes, dots and _, a letter or digit at both ends")
  "budget" (list "^([1-9][0-9]*|[1-9][0-9]?%)$" "use a number from 1 on, or a percentage from 1% to 99%: with less no node could be drained, with all nobody would serve")
  "identifier" (list "^[a-z_][a-z0-9_]{0,62}$" "use small letters, digits and _, a letter first, 63 at most")
  "tag" (list "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$" "use an image's tag: letters, digits, dots, dashes and _")
  "digest" (list "^sha256:[0-9a-f]{64}$" "use sha256: and 64 hexadecimal digits")
  "registry" (list "^[^/\\s]+(/[^/\\s]+)*$" "use a registry's name without https:// and without / at the end, such as ghcr.io")
  "repository" (list "^[a-z0-9]+([._/-][a-z0-9._-]+)*$" "use an image's name without its registry and tag, such as parkingspots/parkingspots")
  "host" (list "^(\\*\\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" "use a host alone, such as api.example.com or *.example.com: no scheme, no port, no path")
  "path" (list "^/" "begin it with /")
  "variable" (list "^[A-Za-z_][A-Za-z0-9_]*$" "use letters, digits and _, no digit first")
  "sender" (list "@" "use an address, such as Parking <no-reply@parking.example.com>")
  "interval" (list "^[0-9]+(ms|s|m|h)$" "use a number with a unit of time, such as 15s")
  "cacheSize" (list "^[1-9][0-9]*(kb|mb|gb)$" "use a number with a unit of Valkey, such as 256mb")
-}}
{{- toJson $forms -}}
{{- end -}}

{{/* Lists of a kind, a path and a value each. JSON. */}}
{{- define "parkingspots.formed" -}}
{{- $all := list
  (list "nameOverride" "nameOverride" .Values.nameOverride)
  (list "fullname" "fullnameOverride" .Values.fullnameOverride)
  (list "schedule" "lifecycle.schedule" .Values.lifecycle.schedule)
  (list "budget" "api.podDisruptionBudget.maxUnavailable" .Values.api.podDisruptionBudget.maxUnavailable)
  (list "sender" "mail.from" .Values.mail.from)
  (list "path" "httpRoute.path" .Values.httpRoute.path)
  (list "interval" "monitoring.serviceMonitor.interval" .Values.monitoring.serviceMonitor.interval)
  (list "interval" "monitoring.podMonitor.interval" .Values.monitoring.podMonitor.interval)
  (list "resourceName" "externalDatabase.caSecret" .Values.externalDatabase.caSecret)
  (list "resourceName" "serviceAccount.name" .Values.serviceAccount.name)
-}}
{{- range $where := list "auth" "payments" "mail" "externalDatabase" "externalCache" -}}
{{- $all = append $all (list "resourceName" (print $where ".existingSecret") (index $.Values $where).existingSecret) -}}
{{- end -}}
{{- range $index, $network := .Values.trustedProxies -}}
{{- $all = append $all (list "network" (printf "trustedProxies[%d]" $index) $network) -}}
{{- end -}}
{{- range $index, $host := .Values.ingress.hosts -}}
{{- $all = concat $all (list (list "host" (printf "ingress.hosts[%d].host" $index) .host) (list "path" (printf "ingress.hosts[%d].path" $index) .path)) -}}
{{- end -}}
{{- range $index, $variable := .Values.extraEnv -}}
{{- $all = append $all (list "variable" (printf "extraEnv[%d].name" $index) .name) -}}
{{- end -}}
{{- range $where, $labels := include "parkingspots.labelMaps" . | fromJson -}}
{{- range $label, $value := $labels -}}
{{- $all = append $all (list "label" (printf "%s.%s" $where $label) $value) -}}
{{- end -}}
{{- end -}}
{{- range $where, $resources := include "parkingspots.resourceMaps" . | fromJson -}}
{{- range $kind := list "requests" "limits" -}}
{{- range $name, $amount := get ($resources | default dict) $kind | default dict -}}
{{- $all = append $all (list "quantity" (printf "%s.%s.%s" $where $kind $name) $amount) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $where, $image := dict "image" .Values.image "operator.image" .Values.operator.image "postgresql.image" .Values.postgresql.image "valkey.image" .Values.valkey.image -}}
{{- range $part := list "registry" "repository" "tag" "digest" -}}
{{- $all = append $all (list $part (printf "%s.%s" $where $part) (get ($image | default dict) $part)) -}}
{{- end -}}
{{- end -}}
{{- concat $all (include "parkingspots.formedOfParts" . | fromJsonArray) | toJson -}}
{{- end -}}

{{/* Those of the bundled PostgreSQL and Valkey, where they are wanted. JSON. */}}
{{- define "parkingspots.formedOfParts" -}}
{{- $all := list -}}
{{- with .Values.postgresql -}}
{{- if .enabled -}}
{{- $all = list
  (list "identifier" "postgresql.auth.username" .auth.username)
  (list "identifier" "postgresql.auth.database" .auth.database)
  (list "resourceName" "postgresql.auth.existingSecret" .auth.existingSecret)
  (list "resourceName" "postgresql.persistence.existingClaim" .persistence.existingClaim)
  (list "quantity" "postgresql.persistence.size" .persistence.size)
  (list "schedule" "postgresql.backup.schedule" .backup.schedule)
  (list "quantity" "postgresql.backup.size" .backup.size)
  (list "resourceName" "postgresql.backup.existingClaim" .backup.existingClaim)
-}}
{{- end -}}
{{- end -}}
{{- with .Values.valkey -}}
{{- if .enabled -}}
{{- $all = concat $all (list (list "cacheSize" "valkey.maxMemory" .maxMemory) (list "resourceName" "valkey.auth.existingSecret" .auth.existingSecret)) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- define "parkingspots.objectionsToForms" -}}
{{- $forms := include "parkingspots.forms" . | fromJson -}}
{{- range include "parkingspots.formed" . | fromJsonArray }}
{{- $value := index . 2 }}
{{- $form := get $forms (index . 0) }}
{{- if and (eq (index . 0) "tag") (kindIs "float64" $value) (ne $value (floor $value)) }}
{{ index . 1 }} is {{ $value }}, a number to YAML, to which 1.10 and 1.1 are the same: put it in quotes.
{{- else if and (or $value (eq (index . 0) "budget")) (or (kindIs "string" $value) (eq (index . 0) "budget")) (not (regexMatch (index $form 0) (toString $value))) }}
{{ index . 1 }} is {{ $value }}: {{ index $form 1 }}.
{{- end }}
{{- end }}
{{- end -}}
