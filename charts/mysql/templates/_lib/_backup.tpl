{{- /* The pod of a dump, for the CronJob and the release's Job. hack/restore uses it with restore.sh. */}}
{{- define "mysql.backupPod" -}}
metadata:
  labels:
    # Not `mysql`: the members' Services and disruption budget must not select this pod.
    app.kubernetes.io/name: mysql-backup
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/part-of: efishery
    app.kubernetes.io/version: {{ .Values.image.tag | trunc 63 | trimAll "_.-" | quote }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- include "mysql.podAnnotations" . | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: mysql
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "mysql.podSecurityContext" (dict "root" . "uid" 999) | nindent 4 }}
  {{- include "mysql.imagePullSecrets" . | nindent 2 }}
  containers:
    - name: backup
      image: {{ include "mysql.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [sh, /etc/mysql-backup/backup.sh]
      env:
        # A replica: a dump reads everything, a load that the primary is spared.
        - name: HOST
          value: mysql-replicas
        # The account of the migrations, else the application's: it has the one database, and can replace it.
        - name: MYSQL_USER
          value: {{ include "mysql.migrationUser" . | default .Values.user | quote }}
        - name: MYSQL_PWD
          valueFrom:
            secretKeyRef:
              name: {{ if include "mysql.migrationUser" . }}{{ include "mysql.migrationSecretName" . }}{{ else }}{{ include "mysql.secretName" . }}{{ end }}
              key: password
        - name: MYSQL_DATABASE
          value: {{ .Values.database | quote }}
        - name: KEEP
          value: {{ .Values.backup.keep | quote }}
      securityContext:
        {{- include "mysql.containerSecurityContext" . | nindent 8 }}
      resources:
        {{- toYaml .Values.backup.resources | nindent 8 }}
      volumeMounts:
        - name: backup
          mountPath: /backup
        - name: scripts
          mountPath: /etc/mysql-backup
          readOnly: true
        - name: tls
          mountPath: /etc/mysql-tls
          readOnly: true
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: backup
      persistentVolumeClaim:
        claimName: {{ .Values.backup.existingClaim | default "mysql-backup" }}
    - name: scripts
      configMap:
        name: mysql-backup
    - name: tls
      secret:
        secretName: {{ include "mysql.tlsSecretName" . }}
        # Without the private key, which only the members need.
        items:
          - key: ca.crt
            path: ca.crt
    - name: tmp
      emptyDir: {}
  {{- include "mysql.jobPlacement" . | nindent 2 }}
{{- end }}

{{- define "mysql.backupJobSpec" -}}
backoffLimit: 6
activeDeadlineSeconds: 900
template:
  {{- include "mysql.backupPod" . | nindent 2 }}
{{- end }}
