{{- define "facet.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "facet.run" -}}
{{- default .Release.Name .Values.run -}}
{{- end -}}

{{- define "facet.selector" -}}
app.kubernetes.io/name: facet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "facet.labels" -}}
{{ include "facet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods. No version of the chart: it would make another Job of the same pods. */}}
{{- define "facet.podLabels" -}}
{{ include "facet.selector" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "facet.device" -}}
{{- if .Values.workers.device -}}{{ .Values.workers.device }}
{{- else if gt (int .Values.workers.gpus) 0 -}}cuda
{{- else -}}cpu
{{- end -}}
{{- end -}}

{{- define "facet.image" -}}
{{- $tag := default (printf "%s-%s" .root.Chart.AppVersion .variant) .root.Values.image.tag -}}
{{- if hasPrefix "sha256:" $tag -}}{{ .root.Values.image.repository }}@{{ $tag }}
{{- else -}}{{ .root.Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- end -}}

{{- define "facet.brokerUrl" -}}
{{- if .Values.nats.enabled -}}
{{- printf "%s://%s-nats:4222" (ternary "tls" "nats" .Values.tls.enabled) (include "facet.fullname" .) -}}
{{- else -}}
{{- required "nats.url: missing, expected nats://HOST:PORT, because nats.enabled is false" .Values.nats.url -}}
{{- end -}}
{{- end -}}

{{- define "facet.store" -}}
{{- if eq .Values.store "nats" -}}{{ include "facet.brokerUrl" . }}{{- else -}}{{ .Values.store }}{{- end -}}
{{- end -}}

{{- define "facet.tokenSecret" -}}
{{- default (printf "%s-tokens" (include "facet.fullname" .)) .Values.tokens.existingSecret -}}
{{- end -}}

{{/* The secret with the broker's passwords; empty where the broker knows its users by certificate or needs no login. */}}
{{- define "facet.brokerSecret" -}}
{{- if .Values.nats.auth.existingSecret -}}{{ .Values.nats.auth.existingSecret }}
{{- else if and .Values.nats.enabled (not .Values.tls.enabled) -}}{{ include "facet.fullname" . }}-broker
{{- end -}}
{{- end -}}

{{- define "facet.tlsSecret" -}}
{{- $values := .root.Values.tls -}}
{{- $named := get $values (printf "%sSecret" .role) -}}
{{- default (printf "%s-%s-tls" (include "facet.fullname" .root) .role) $named -}}
{{- end -}}

{{/* The configuration of the run, from weak to strong: what the cluster decides, the short keys, `config`. */}}
{{- define "facet.config" -}}
{{- $values := .Values -}}
{{- $task := dict "dataset" $values.task.dataset -}}
{{- with $values.task.preset }}{{ $_ := set $task "preset" . }}{{ end -}}
{{- if kindIs "invalid" $values.task.epochs | not }}{{ $_ := set $task "epochs" $values.task.epochs }}{{ end -}}
{{- if kindIs "invalid" $values.task.seed | not }}{{ $_ := set $task "seed" $values.task.seed }}{{ end -}}
{{- $workers := dict "count" $values.workers.replicas "min" $values.workers.min -}}
{{- $engine := dict "name" "onnxruntime" "device" (include "facet.device" .) "threads" $values.workers.threads -}}
{{- $nats := dict "url" (include "facet.brokerUrl" .) "workerUrl" (include "facet.brokerUrl" .) -}}
{{- $coordinator := dict "port" 4300 "httpPort" 4301 -}}
{{- $config := dict "run" (include "facet.run" .) "workers" $workers "engine" $engine "nats" $nats "coordinator" $coordinator -}}
{{- if $values.tls.enabled -}}
{{- $tls := dict "folder" "/etc/facet/tls" -}}
{{- if $values.tls.plainMetrics }}{{ $_ := set $tls "http" "plain" }}{{ end -}}
{{- $_ := set $config "tls" $tls -}}
{{- end -}}
{{- toYaml (mustMergeOverwrite $config $task (deepCopy $values.config)) -}}
{{- end -}}

{{- define "facet.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsUser }}
fsGroup: {{ .Values.podSecurity.fsGroup }}
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "facet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Which ends of a pod are the end of the Job. Exit codes: docs/operations.md. */}}
{{- define "facet.jobEnds" -}}
backoffLimit: {{ .Values.backoffLimit }}
{{- if semverCompare ">=1.26.0-0" .Capabilities.KubeVersion.Version }}
podFailurePolicy:
  rules:
    # Misconfigured, or stopped by a person: not again.
    - action: FailJob
      onExitCodes: { operator: In, values: [2, 130] }
    # To be continued, and what the cluster did itself: start again, and do not count it.
    - action: Ignore
      onExitCodes: { operator: In, values: [75] }
    - action: Ignore
      onPodConditions: [{ type: DisruptionTarget }]
{{- end }}
{{- if not (kindIs "invalid" .Values.ttlSecondsAfterFinished) }}
ttlSecondsAfterFinished: {{ .Values.ttlSecondsAfterFinished }}
{{- end }}
{{- if .Values.kueue.queueName }}
suspend: true
{{- end }}
{{- end -}}

{{/* podFailurePolicy needs Never. Older clusters start a container again in its pod, which is faster than a new pod. */}}
{{- define "facet.restartPolicy" -}}
{{- if semverCompare ">=1.26.0-0" .Capabilities.KubeVersion.Version -}}Never{{- else -}}OnFailure{{- end -}}
{{- end -}}

{{- define "facet.jobLabels" -}}
{{ include "facet.labels" . }}
{{- with .Values.kueue.queueName }}
kueue.x-k8s.io/queue-name: {{ . }}
{{- end }}
{{- end -}}

{{- define "facet.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "facet.podCommon" -}}
restartPolicy: {{ include "facet.restartPolicy" . }}
terminationGracePeriodSeconds: {{ .Values.gracePeriodSeconds }}
# Facet refuses FACET_* variables that it does not know, and a Service called facet would make some.
enableServiceLinks: false
automountServiceAccountToken: false
{{- with .Values.serviceAccount.name }}
serviceAccountName: {{ . }}
{{- end }}
securityContext:
  {{- include "facet.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
