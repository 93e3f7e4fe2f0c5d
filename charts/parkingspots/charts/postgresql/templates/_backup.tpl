{{/* A pod that works with dumps. Call with (list . "component" "script"). */}}
{{- define "parkingspots.postgresql.dumpJob" -}}
{{- $root := index . 0 -}}
backoffLimit: 0
activeDeadlineSeconds: 21600
ttlSecondsAfterFinished: 604800
template:
  metadata:
    labels:
      {{- include "parkingspots.postgresql.labels" (list $root (index . 1)) | nindent 6 }}
  spec:
    {{- include "parkingspots.postgresql.pod" $root | nindent 4 }}
    restartPolicy: Never
    volumes:
      - {name: dumps, persistentVolumeClaim: {claimName: {{ $root.Values.backup.existingClaim | default (printf "%s-backup" (include "parkingspots.postgresql.fullname" $root)) }}}}
      - {name: tmp, emptyDir: {}}
    containers:
      - {{- include "parkingspots.postgresql.container" (list $root (index . 1)) | nindent 8 }}
        command: [sh, -euc]
        args:
          - |
            {{- index . 2 | nindent 12 }}
        env:
          - {name: PGHOST, value: {{ include "parkingspots.postgresql.fullname" $root }}}
          - {name: PGUSER, value: {{ $root.Values.auth.username | quote }}}
          - {name: PGDATABASE, value: {{ $root.Values.auth.database | quote }}}
          - {name: PGPASSWORD, valueFrom: {secretKeyRef: {name: {{ include "parkingspots.postgresql.secretName" $root }}, key: password}}}
        terminationMessagePolicy: FallbackToLogsOnError
        volumeMounts:
          - {name: dumps, mountPath: /dumps}
          - {name: tmp, mountPath: /tmp}
        resources:
          {{- toYaml $root.Values.backup.resources | nindent 10 }}
{{- end -}}

{{/* The pods that work with dumps. */}}
{{- define "parkingspots.postgresql.dumpSelector" -}}
matchLabels:
  app.kubernetes.io/name: postgresql
  app.kubernetes.io/instance: {{ .Release.Name }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: [backup, backup-volume, restore]}
{{- end -}}

{{/* Written under another name first: what has the right name is whole. */}}
{{- define "parkingspots.postgresql.backupScript" -}}
file=/dumps/$(date -u +%Y%m%dT%H%M%SZ).dump
rm -f /dumps/*.part
pg_dump --format custom --file "$file.part"
pg_restore --list "$file.part" > /dev/null
mv "$file.part" "$file"
ls -1r /dumps/*.dump | tail -n +{{ add1 .Values.backup.keep }} | xargs -r rm -f --
echo "Kept $file; there are"
ls -1 /dumps/*.dump
{{- end -}}

{{/* FILE names a dump; else it is the newest. All or nothing: what was there is back where a step fails. */}}
{{- define "parkingspots.postgresql.restoreScript" -}}
file=${FILE:+/dumps/$FILE}
file=${file:-$(ls -1r /dumps/*.dump | head -n 1)}
[ -f "$file" ] || { echo "There is no dump ${FILE:-} in the volume, which has:"; ls -1 /dumps; exit 1; } >&2
echo "Restoring $file"
pg_restore --no-owner --file /tmp/dump.sql "$file"
{
    echo 'DROP OWNED BY CURRENT_USER CASCADE;'
    cat /tmp/dump.sql
    echo "INSERT INTO public.changes (kind) VALUES ('everything');"
} | psql --no-psqlrc --quiet --output /dev/null --single-transaction --set ON_ERROR_STOP=1
echo "Restored $file"
{{- end -}}
