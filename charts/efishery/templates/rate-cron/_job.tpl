{{- define "efishery.rateCron.providers" -}}
{{- if .Values.rateCron.providers -}}
{{ join "," .Values.rateCron.providers }}
{{- else -}}
{{ ternary "custom" "frankfurter,open-er-api" .Values.sample.enabled }}
{{- end -}}
{{- end }}

{{- define "efishery.rateCron.customUrl" -}}
{{- .Values.rateCron.custom.url | default (ternary "http://sample/rate" "" .Values.sample.enabled) -}}
{{- end }}

{{- /* The pod of one run, for the CronJob and for the Job of this revision. */}}
{{- define "efishery.rateCron.pod" -}}
{{- $values := .Values.rateCron -}}
{{- $component := dict "root" . "name" "rate-cron" "values" $values "prefix" "RATE_CRON" -}}
metadata:
  labels:
    {{- include "efishery.podLabels" $component | nindent 4 }}
  annotations:
    {{- include "efishery.jobAnnotations" $component | nindent 4 }}
spec:
  restartPolicy: Never
  {{- include "efishery.podIdentity" $component | nindent 2 }}
  {{- include "efishery.podPlacement" $component | nindent 2 }}
  containers:
    - name: rate-cron
      image: {{ include "efishery.image" $component }}
      imagePullPolicy: {{ .Values.global.image.pullPolicy }}
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
          value: {{ $values.custom.ratePath | quote }}
        {{- with $values.custom.datePath }}
        - name: RATE_CRON_CUSTOM_DATE_PATH
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        - name: RATE_CRON_MIN_RATE
          value: {{ $values.minRate | quote }}
        - name: RATE_CRON_MAX_RATE
          value: {{ $values.maxRate | quote }}
        - name: RATE_CRON_TIMEOUT_SECONDS
          value: {{ $values.timeoutSeconds | quote }}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      securityContext:
        {{- include "efishery.containerSecurityContext" . | nindent 8 }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: tmp
      emptyDir: {}
{{- end }}
