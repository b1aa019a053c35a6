{{- define "efishery.rateCron.providers" -}}
{{- if .Values.rateCron.providers -}}
{{ join "," .Values.rateCron.providers }}
{{- else -}}
{{ ternary "custom" "frankfurter,open-er-api" .Values.sample.enabled }}
{{- end -}}
{{- end }}

{{- define "efishery.rateCron.customUrl" -}}
{{- if .Values.rateCron.custom.url -}}
{{ .Values.rateCron.custom.url }}
{{- else if .Values.sample.enabled -}}
http://sample/rate
{{- else if has "custom" .Values.rateCron.providers -}}
{{- fail "rateCron.custom.url is not set, and rateCron.providers names custom: give its URL, or set sample.enabled=true for a generated rate" -}}
{{- end -}}
{{- end }}

{{- /* Where the providers are, as a JSON list of URLs: the defaults of RATE_CRON_FRANKFURTER_URL and RATE_CRON_OPEN_ER_API_URL. */}}
{{- define "efishery.rateCron.urls" -}}
{{- $urls := list -}}
{{- $known := dict "frankfurter" "https://api.frankfurter.dev" "open-er-api" "https://open.er-api.com"
      "custom" (include "efishery.rateCron.customUrl" .) -}}
{{- range include "efishery.rateCron.providers" . | splitList "," -}}
{{- $urls = append $urls (get $known .) -}}
{{- end -}}
{{- $urls | toJson -}}
{{- end }}

{{- define "efishery.rateCron.minRate" -}}
{{- $least := float64 .Values.rateCron.minRate -}}
{{- if not (and (gt $least 0.0) (lt $least (float64 .Values.rateCron.maxRate))) -}}
{{- fail "rateCron.minRate is not above 0 and below rateCron.maxRate: every rate would be refused; set it between 0 and rateCron.maxRate" -}}
{{- end -}}
{{ .Values.rateCron.minRate }}
{{- end }}

{{- /* Which failures are worth another pod: not bad settings (2) nor a refused change (3). A drained node is no failure. */}}
{{- define "efishery.rateCron.podFailurePolicy" -}}
rules:
  - action: Ignore
    onPodConditions:
      - type: DisruptionTarget
        status: "True"  # a Job has this default, a CronJob does not before Kubernetes 1.34 (kubernetes/kubernetes#131512)
  - action: FailJob
    onExitCodes:
      containerName: rate-cron
      operator: In
      values: [2, 3]
{{- end }}

{{- /* The pod template of the CronJob and of the Job of this revision. Takes dict "root" $ "redisWaitSeconds" 300. */}}
{{- define "efishery.rateCron.pod" -}}
{{- $redisWaitSeconds := .redisWaitSeconds -}}
{{- with .root -}}
{{- $component := dict "root" . "name" "rate-cron" "values" .Values.rateCron "prefix" "RATE_CRON" -}}
metadata:
  labels:
    {{- include "efishery.podLabels" $component | nindent 4 }}
  annotations:
    {{- include "efishery.podAnnotations" $component | nindent 4 }}
spec:
  restartPolicy: Never
  {{- include "efishery.podIdentity" $component | nindent 2 }}
  {{- include "efishery.podPlacement" $component | nindent 2 }}
  containers:
    - name: rate-cron
      image: {{ include "efishery.image" $component }}
      imagePullPolicy: {{ .Values.global.image.pullPolicy }}
      args: [rate-cron]
      env:
        {{- include "efishery.logEnv" $component | nindent 8 }}
        - name: RATE_CRON_REDIS_URL
          value: {{ include "efishery.redisUrl" (dict "root" . "user" "rate-cron" "externalUser" .Values.redis.external.rateCronUser) | quote }}
        - name: RATE_CRON_REDIS_PASSWORD
          valueFrom:
            secretKeyRef:
              name: {{ include "efishery.redisSecret" . }}
              key: rate-cron-password
        - name: RATE_CRON_PROVIDERS
          value: {{ include "efishery.rateCron.providers" . | quote }}
        {{- with include "efishery.rateCron.customUrl" . }}
        - name: RATE_CRON_CUSTOM_URL
          value: {{ . | quote }}
        - name: RATE_CRON_CUSTOM_RATE_PATH
          value: {{ $.root.Values.rateCron.custom.ratePath | quote }}
        {{- with $.root.Values.rateCron.custom.datePath }}
        - name: RATE_CRON_CUSTOM_DATE_PATH
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        - name: RATE_CRON_MIN_RATE
          value: {{ include "efishery.rateCron.minRate" . | quote }}
        - name: RATE_CRON_MAX_RATE
          value: {{ .Values.rateCron.maxRate | quote }}
        - name: RATE_CRON_MAX_CHANGE_PERCENT
          value: {{ .Values.rateCron.maxChangePercent | int64 | quote }}
        - name: RATE_CRON_KEEP_DAYS
          value: {{ .Values.rateCron.keepDays | int64 | quote }}
        - name: RATE_CRON_REDIS_WAIT_SECONDS
          value: {{ $redisWaitSeconds | quote }}
        - name: RATE_CRON_TIMEOUT_SECONDS
          value: {{ .Values.rateCron.timeoutSeconds | int64 | quote }}
        {{- with .Values.rateCron.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      securityContext:
        {{- include "efishery.containerSecurityContext" . | nindent 8 }}
      resources:
        {{- toYaml .Values.rateCron.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: tmp
      emptyDir: {}
{{- end }}
{{- end }}

{{- define "efishery.rateCron.jobSpec" -}}
backoffLimit: 6
activeDeadlineSeconds: 900
podFailurePolicy:
  {{- include "efishery.rateCron.podFailurePolicy" . | nindent 2 }}
template:
  {{- include "efishery.rateCron.pod" (dict "root" . "redisWaitSeconds" 300) | nindent 2 }}
{{- end }}
