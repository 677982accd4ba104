/**
 * Asks a coordinator for a picture of its run. Every question has a deadline; what goes wrong is an outcome, because a
 * display lives through a coordinator that is busy, and a command says what to do. Texts of whoever answers are made visible
 * here, before anything lays them out.
 */
import { credentials } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Coordination, type Status } from '@facet/proto';
import { visibleValues } from '@facet/shared';

export type StatusAnswer =
  { readonly ok: true; readonly status: Status } | { readonly ok: false; readonly reason: string };

export interface StatusClient extends Disposable {
  ask(): Promise<StatusAnswer>;
}

const DEADLINE_MS = 2_000;

/** Opens a connection to a coordinator; nothing is sent before the first question. */
export function openStatusClient(address: string, deadlineMs = DEADLINE_MS): StatusClient {
  const client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  return {
    ask: () =>
      new Promise((resolve) => {
        client.getStatus({}, { deadline: Date.now() + deadlineMs }, (error, status) => {
          if (error !== null) resolve({ ok: false, reason: error.details || error.message });
          else if (status === undefined) resolve({ ok: false, reason: 'the answer is empty' });
          else resolve({ ok: true, status: visibleValues(status) });
        });
      }),
    [Symbol.dispose]: () => {
      client.close();
    },
  };
}

/** Asks once. */
export async function askStatus(address: string, deadlineMs = DEADLINE_MS): Promise<StatusAnswer> {
  using client = openStatusClient(address, deadlineMs);
  return await client.ask();
}
