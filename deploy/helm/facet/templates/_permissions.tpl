{{/* What each role may do at the broker, in the words of nats-server. The dot is the name of the run. A test compares both with
     `facet broker config`. */}}
{{- define "facet.coordinatorPermissions" -}}
publish:
  allow:
    - "facet.{{ . }}.shard.>"
    - "$KV.facet-leases.{{ . }}"
    - "facet.store.{{ . }}.>"
    - "$JS.API.INFO"
    - "$JS.API.STREAM.*.FACET_{{ . }}"
    - "$JS.API.STREAM.MSG.GET.FACET_{{ . }}"
    - "$JS.API.STREAM.*.facet-ledger-{{ . }}"
    - "$JS.API.STREAM.MSG.GET.facet-ledger-{{ . }}"
    - "$JS.API.STREAM.*.facet-objects-{{ . }}"
    - "$JS.API.STREAM.MSG.GET.facet-objects-{{ . }}"
    - "$JS.API.DIRECT.GET.facet-objects-{{ . }}"
    - "$JS.API.DIRECT.GET.facet-objects-{{ . }}.>"
    - "$JS.API.CONSUMER.*.facet-ledger-{{ . }}"
    - "$JS.API.CONSUMER.*.facet-ledger-{{ . }}.>"
    - "$JS.API.CONSUMER.MSG.NEXT.facet-ledger-{{ . }}.>"
    - "$JS.API.STREAM.CREATE.KV_facet-leases"
    - "$JS.API.STREAM.INFO.KV_facet-leases"
    - "$JS.API.STREAM.MSG.GET.KV_facet-leases"
subscribe:
  allow:
    - "_INBOX.facet.coordinator.{{ . }}.>"
{{- end -}}

{{- define "facet.workerPermissions" -}}
publish:
  allow:
    - "$JS.API.INFO"
    - "$JS.API.STREAM.INFO.FACET_{{ . }}"
    - "$JS.API.CONSUMER.CREATE.FACET_{{ . }}"
    - "$JS.API.CONSUMER.CREATE.FACET_{{ . }}.>"
    - "$JS.API.CONSUMER.INFO.FACET_{{ . }}.*"
    - "$JS.API.CONSUMER.DELETE.FACET_{{ . }}.*"
    - "$JS.API.CONSUMER.MSG.NEXT.FACET_{{ . }}.*"
    - "$JS.API.STREAM.MSG.GET.KV_facet-leases"
subscribe:
  allow:
    - "_INBOX.facet.worker.{{ . }}.>"
{{- end -}}
