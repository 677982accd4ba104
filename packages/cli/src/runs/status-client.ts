/**
 * Asks a coordinator for a picture of its run. Every question has a deadline; what goes wrong is an outcome, because a
 * display lives through a coordinator that is busy, and a command says what to do. Texts of whoever answers are made visible
 * here, before anything lays them out.
 */
import { status as code, type ServiceError } from '@grpc/grpc-js';
import { channelTo, Coordination, type Status } from '@facet/proto';
import { explainFailure, type TlsIdentity } from '@facet/security';
import { visibleValues } from '@facet/shared';

export type StatusAnswer = { readonly ok: true; readonly status: Status } | NoStatus;

/** `CERTIFICATE_REFUSED`: somebody is there, and the two sides do not accept each other; waiting does not help. */
interface NoStatus {
  readonly ok: false;
  readonly code: 'CERTIFICATE_REFUSED' | 'COORDINATOR_UNREACHABLE';
  readonly reason: string;
}

export interface StatusClient extends Disposable {
  ask(): Promise<StatusAnswer>;
}

const DEADLINE_MS = 2_000;

export interface StatusClientOptions {
  /** host:port of the coordinator. */
  readonly address: string;
  /** Of whoever asks; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  readonly deadlineMs?: number;
}

/** Opens a connection to a coordinator; nothing is sent before the first question. */
export function openStatusClient({ address, tls, deadlineMs = DEADLINE_MS }: StatusClientOptions): StatusClient {
  const roles = ['coordinator'] as const;
  const client = new Coordination(...channelTo({ address, roles, tls }));
  const explain = async (error: ServiceError): Promise<NoStatus> => {
    const refusal = error.code === code.UNAVAILABLE ? await explainFailure({ address, roles, tls }) : undefined;
    if (refusal !== undefined) return { ok: false, code: 'CERTIFICATE_REFUSED', reason: refusal };
    return { ok: false, code: 'COORDINATOR_UNREACHABLE', reason: error.details || error.message };
  };
  return {
    ask: () =>
      new Promise((resolve) => {
        client.getStatus({}, { deadline: Date.now() + deadlineMs }, (error, status) => {
          if (error !== null) void explain(error).then(resolve);
          else if (status === undefined)
            resolve({ ok: false, code: 'COORDINATOR_UNREACHABLE', reason: 'the answer is empty' });
          else resolve({ ok: true, status: visibleValues(status) });
        });
      }),
    [Symbol.dispose]: () => {
      client.close();
    },
  };
}

/** Asks once. */
export async function askStatus(options: StatusClientOptions): Promise<StatusAnswer> {
  using client = openStatusClient(options);
  return await client.ask();
}
