{{- /*
The agent: a native sidecar, so that it starts before mysqld and stops after it.
*/}}
{{- define "mysql.agent" -}}
name: mysql-agent
image: {{ include "mysql.agentImage" . }}
imagePullPolicy: {{ include "mysql.agentPullPolicy" . }}
command: [mysql-agent]
restartPolicy: Always
env:
  - name: MYSQL_AGENT_POD
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: MYSQL_AGENT_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  - name: MYSQL_AGENT_CLUSTER_DOMAIN
    value: {{ .Values.clusterDomain | quote }}
  - name: MYSQL_AGENT_DATABASE
    value: {{ .Values.database | quote }}
  - name: MYSQL_AGENT_USER
    value: {{ .Values.user | quote }}
  {{- with include "mysql.migrationUser" . }}
  - name: MYSQL_AGENT_MIGRATION_USER
    value: {{ . | quote }}
  {{- end }}
  - name: MYSQL_AGENT_EPHEMERAL
    value: {{ not .Values.persistence.enabled | quote }}
  - name: MYSQL_AGENT_BINLOG_MAX_TOTAL_SIZE
    value: {{ .Values.binlog.maxTotalSize | quote }}
  - name: MYSQL_AGENT_LOG_LEVEL
    value: {{ .Values.agent.logLevel | quote }}
ports:
  - name: http-agent
    containerPort: 9091
securityContext:
  {{- include "mysql.containerSecurityContext" . | nindent 2 }}
startupProbe:
  httpGet: {path: /healthz, port: http-agent}
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 60
# Liveness of the agent only, independent of the member's state.
livenessProbe:
  httpGet: {path: /healthz, port: http-agent}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
# The member is in the group, with the majority, and clients can use it.
readinessProbe:
  httpGet: {path: /readyz, port: http-agent}
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 2
resources:
  {{- toYaml .Values.agent.resources | nindent 2 }}
volumeMounts:
  - name: data
    mountPath: /var/lib/mysql-agent
    subPath: agent
  - name: run
    mountPath: /var/run/mysqld
  - name: passwords
    mountPath: /etc/mysql-secret
    readOnly: true
  - name: tls-public
    mountPath: /etc/mysql-tls
    readOnly: true
  - name: token
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  - name: agent-tmp
    mountPath: /tmp
{{- end }}

{{- /* The volumes that only the agent mounts. */}}
{{- define "mysql.agentVolumes" -}}
- name: passwords
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "mysql.secretName" . }}
          items:
            - {key: root-password, path: root-password}
            - {key: password, path: password}
            - {key: replication-password, path: replication-password}
      {{- if include "mysql.migrationUser" . }}
      - secret:
          name: {{ include "mysql.migrationSecretName" . }}
          # An upgrade without hooks does not create it; the agent makes the account when it is there.
          optional: true
          items:
            - {key: password, path: migration-password}
      {{- end }}
- name: tls-public
  secret:
    secretName: {{ include "mysql.tlsSecretName" . }}
    items:
      - {key: ca.crt, path: ca.crt}
      - {key: tls.crt, path: tls.crt}
{{ include "mysql.apiTokenVolume" . }}
- name: agent-tmp
  emptyDir: {}
{{- end }}

{{- /* An expiring token of the service account, for the pods that use the Kubernetes API. */}}
{{- define "mysql.apiTokenVolume" -}}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3600
      - configMap:
          name: kube-root-ca.crt
          items:
            - {key: ca.crt, path: ca.crt}
      - downwardAPI:
          items:
            - path: namespace
              fieldRef: {fieldPath: metadata.namespace}
{{- end }}
