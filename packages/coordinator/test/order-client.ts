/** A client that gives a coordinator one order: an operator, or somebody who is none. */
import { randomBytes } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Coordination, type OperateResponse__Output } from '@facet/proto';
import { JOIN_NONCE_BYTES } from '@facet/shared';

type OrderKind = 'ORDER_KIND_STOP' | 'ORDER_KIND_DRAIN' | 'ORDER_KIND_CHECKPOINT';

export interface TriedOrder {
  readonly kind: OrderKind;
  readonly workerId?: string;
}

/** What is said: the nonce is known, so that whoever makes a proof can make any. */
export type SaidOrder = Required<TriedOrder> & { readonly reason: string; readonly nonce: Buffer };

/** The operator's proof for a challenge. */
export type Prover = (said: SaidOrder, challenge: { run: string; runId: string; nonce: Uint8Array }) => Uint8Array;

/** All that the coordinator answers. */
export function order(
  address: string,
  { kind, workerId = '' }: TriedOrder,
  prove: Prover,
): Promise<OperateResponse__Output[]> {
  const client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const call = client.operate();
  const received: OperateResponse__Output[] = [];
  const said = { kind, workerId, reason: 'a test', nonce: randomBytes(JOIN_NONCE_BYTES) };
  return new Promise((resolve, reject) => {
    call.on('data', (message: OperateResponse__Output) => {
      received.push(message);
      if (message.challenge) call.write({ proof: { proof: Buffer.from(prove(said, message.challenge)) } });
    });
    call.on('error', reject);
    call.on('end', () => {
      client.close();
      resolve(received);
    });
    call.write({ order: said });
  });
}
