{{- /*
A Job that creates objects which the release needs, where they do not exist. They outlive the release, and no upgrade or sync
changes them. It runs before an installation or upgrade, and before each full sync of Argo CD. The agent's image has the programs.
Takes dict "root" $ "name" "mysql-create-secrets" "module" "servicekit.create_secrets" "prefix" "CREATE_SECRETS" "specs" "[…]".
*/}}
{{- define "mysql.creationJob" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.creationLabels" . | nindent 4 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-10"
    # A failed one stays, with its log.
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    {{- include "mysql.podScoreExceptions" list | nindent 4 }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: 300
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes:
          containerName: {{ .name | trimPrefix "mysql-" }}
          operator: In
          values: [2, 3]  # bad settings, and an object that somebody has to complete
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .name }}
        app.kubernetes.io/instance: {{ .root.Release.Name }}
        app.kubernetes.io/part-of: efishery
        app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
        {{- with .root.Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        {{- include "mysql.podAnnotations" .root | nindent 8 }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "mysql.podSecurityContext" (dict "root" .root "uid" 10001) | nindent 8 }}
      {{- include "mysql.imagePullSecrets" .root | nindent 6 }}
      containers:
        - name: {{ .name | trimPrefix "mysql-" }}
          image: {{ include "mysql.agentImage" .root }}
          imagePullPolicy: {{ include "mysql.agentPullPolicy" .root }}
          command: [python, -m, {{ .module }}]
          env:
            - name: {{ .prefix }}_LOG_LEVEL
              value: {{ .root.Values.agent.logLevel | quote }}
            - name: {{ .prefix }}_NAMESPACE
              value: {{ .root.Release.Namespace }}
            {{- with .specs }}
            - name: {{ $.prefix }}_SPECS
              value: |-
                {{- . | nindent 16 }}
            {{- end }}
          securityContext:
            {{- include "mysql.containerSecurityContext" .root | nindent 12 }}
          resources:
            {{- toYaml .root.Values.agent.resources | nindent 12 }}
          volumeMounts:
            - name: token
              mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              readOnly: true
      volumes:
        {{- include "mysql.apiTokenVolume" .root | nindent 8 }}
      {{- include "mysql.jobPlacement" .root | nindent 6 }}
{{- end }}

{{- /*
The Job's account, what it may do (`rules`), and its NetworkPolicy. Helm deletes them when the Job has succeeded, Argo CD when
the whole sync has.
*/}}
{{- define "mysql.creationNeeds" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.creationLabels" . | nindent 4 }}
  annotations:
    {{- include "mysql.creationHook" . | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.creationLabels" . | nindent 4 }}
  annotations:
    {{- include "mysql.creationHook" . | nindent 4 }}
rules:
  {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "mysql.creationLabels" . | nindent 4 }}
  annotations:
    {{- include "mysql.creationHook" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
{{- if include "mysql.hasNetworkPolicies" .root }}
---
# A hook too: before an installation there is no policy yet, and before an upgrade only those of the last revision, which may not
# know this Job.
{{ include "mysql.networkPolicy" (dict "root" .root "name" .name "annotations" (include "mysql.creationHook" .)) }}
  egress:
    {{- include "mysql.toBasics" .root | nindent 4 }}
    {{- include "mysql.toKubernetesApi" .root | nindent 4 }}
{{- end }}
{{- end }}

{{- /* Not `mysql`: the members' Services and disruption budget must not select the Job's pod. */}}
{{- define "mysql.creationLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: efishery
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mysql.creationHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: "-20"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
