/**
 * Gives a coordinator one order. Both sides prove that they have the operator token of the run; it does not travel. The
 * coordinator proves first, so that a false one learns nothing but the order.
 */
import { randomBytes } from 'node:crypto';
import { status as code, type ServiceError } from '@grpc/grpc-js';
import { channelTo, Coordination, type OperateResponse__Output } from '@facet/proto';
import { explainFailure, type TlsIdentity } from '@facet/security';
import {
  isSameSecret,
  JOIN_NONCE_BYTES,
  parseErrorCode,
  TrainingError,
  visibleText,
  type OperatorToken,
} from '@facet/shared';

export type OrderName = 'stop' | 'drain' | 'checkpoint';

export interface OrderRequest {
  /** host:port of the coordinator. */
  readonly address: string;
  /** Of the operator; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  readonly token: OperatorToken;
  readonly order: OrderName;
  /** The worker that is drained. */
  readonly workerId?: string;
  readonly reason: string;
  readonly deadlineMs: number;
}

export interface OrderAnswer {
  readonly message: string;
  readonly step: number;
}

const KINDS = {
  stop: 'ORDER_KIND_STOP',
  drain: 'ORDER_KIND_DRAIN',
  checkpoint: 'ORDER_KIND_CHECKPOINT',
} as const satisfies Record<OrderName, string>;

/**
 * @throws TrainingError with the coordinator's own code when it refuses; TOKEN_INVALID when it does not show that it has the
 *   token; COORDINATOR_UNREACHABLE when it does not answer.
 */
export async function giveOrder(request: OrderRequest): Promise<OrderAnswer> {
  const { address, tls, deadlineMs } = request;
  const roles = ['coordinator'] as const;
  const client = new Coordination(...channelTo({ address, roles, tls }));
  try {
    return await converse(client, request);
  } catch (caught) {
    if (caught instanceof TrainingError) throw caught;
    const error = caught as ServiceError;
    const refusal = error.code === code.UNAVAILABLE ? await explainFailure({ address, roles, tls }) : undefined;
    const late = error.code === code.DEADLINE_EXCEEDED ? `no answer within ${deadlineMs} ms` : undefined;
    throw new TrainingError(
      refusal === undefined ? 'COORDINATOR_UNREACHABLE' : 'CERTIFICATE_REFUSED',
      `the coordinator at ${address} does not answer: ${refusal ?? late ?? (error.details || error.message)}; check the address, and that the run has not ended`,
      { cause: caught },
    );
  } finally {
    client.close();
  }
}

function converse(client: InstanceType<typeof Coordination>, request: OrderRequest): Promise<OrderAnswer> {
  const { address, token, order, workerId = '', reason, deadlineMs } = request;
  const said = { kind: KINDS[order], workerId, reason, nonce: randomBytes(JOIN_NONCE_BYTES) };
  return new Promise((resolve, reject) => {
    const call = client.operate({ deadline: Date.now() + deadlineMs });
    let isProven = false;
    const fail = (error: TrainingError): void => {
      reject(error);
      call.cancel();
    };
    call.on('error', reject);
    call.on('end', () => {
      reject(new TrainingError('COORDINATOR_UNREACHABLE', `the coordinator at ${address} ended without an answer`));
    });
    call.on('data', ({ challenge, refusal, orderDone }: OperateResponse__Output) => {
      if (refusal) {
        fail(new TrainingError(parseErrorCode(refusal.code), visibleText(refusal.message)));
      } else if (challenge) {
        const proofs = token.proofsFor(said, challenge);
        if (!isSameSecret(proofs.coordinator, challenge.proof)) {
          const run = visibleText(challenge.run);
          fail(
            new TrainingError(
              'TOKEN_INVALID',
              `the coordinator of run ${run} at ${address} has another operator token; copy operator.token from the folder of that run, and name the copy with FACET_OPERATOR_TOKEN_FILE`,
            ),
          );
          return;
        }
        isProven = true;
        call.write({ proof: { proof: Buffer.from(proofs.operator), previousProof: Buffer.alloc(0) } });
      } else if (orderDone && isProven) {
        resolve({ message: visibleText(orderDone.message), step: orderDone.step });
        call.end();
      }
    });
    call.write({ order: said });
  });
}
