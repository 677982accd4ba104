/**
 * One order of an operator: the coordinator shows that it has the run's operator token, asks the operator for the same, and
 * carries the order out. Nothing of an order counts before its proof. The run's own token, which workers have, is not enough.
 */
import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { OperateRequest__Output, OperateResponse, Order } from '@facet/proto';
import { roleFault, type CertificateFacts } from '@facet/security';
import {
  isSameSecret,
  JOIN_NONCE_BYTES,
  systemClock,
  TrainingError,
  type Clock,
  type OperatorOrder,
  type OperatorToken,
} from '@facet/shared';
import { clip, isWorkerId } from './messages.js';

export type OperateCall = ServerDuplexStream<OperateRequest__Output, OperateResponse>;

/** An order that passed its checks. */
export type CheckedOrder =
  | { readonly kind: 'stop' | 'checkpoint'; readonly reason: string }
  | { readonly kind: 'drain'; readonly workerId: string; readonly reason: string };

/** What became of an order. */
export interface OrderOutcome {
  /** For people. */
  readonly message: string;
  readonly step: number;
}

/** Carries orders out. Rejecting with a TrainingError tells the operator its code and message. */
export type OrderHandler = (order: CheckedOrder) => Promise<OrderOutcome>;

/** Which run orders are for, and what an operator must have. */
export interface OperatorGate {
  readonly run: string;
  readonly runId: string;
  readonly operatorToken: OperatorToken;
  /** Somebody who may give no orders was turned away. */
  readonly onStranger: (reason: string) => void;
}

export interface OperatorSessionOptions {
  readonly call: OperateCall;
  /** Of the operator's certificate; absent on a port without TLS. */
  readonly peer: CertificateFacts | undefined;
  readonly gate: OperatorGate;
  readonly handle: OrderHandler;
  /** Default: this machine's. */
  readonly clock?: Clock;
}

/** An operator's command answers at once. */
const PROOF_TIMEOUT_MS = 10_000;

/** Serves one call to its end. */
export function serveOperator({ call, peer, gate, handle, clock = systemClock }: OperatorSessionOptions): void {
  let challenged: { readonly order: CheckedOrder; readonly proof: Uint8Array } | undefined;
  let isProven = false;
  let isOver = false;
  const finish = (last?: OperateResponse): void => {
    if (isOver) return;
    isOver = true;
    stopWaiting();
    if (last !== undefined) call.write(last);
    call.end();
  };
  const refuse = (caught: unknown): void => {
    const { code, message } = TrainingError.from(caught);
    finish({ refusal: { code, message } });
  };
  const stopWaiting = clock.schedule(PROOF_TIMEOUT_MS, () => {
    refuse(new TrainingError('PEER_UNAVAILABLE', `no order and proof within ${PROOF_TIMEOUT_MS} ms of connecting`));
  });

  const challenge = ({ order }: OperateRequest__Output): void => {
    checkRole(peer, call.getPeer(), gate);
    const said = checkOrder(order);
    const { run, runId, operatorToken } = gate;
    const nonce = randomBytes(JOIN_NONCE_BYTES);
    const proofs = operatorToken.proofsFor(said.signed, { run, runId, nonce });
    challenged = { order: said.order, proof: proofs.operator };
    call.write({ challenge: { run, runId, nonce, proof: Buffer.from(proofs.coordinator) } });
  };
  const obey = async (order: CheckedOrder): Promise<void> => {
    try {
      finish({ orderDone: await handle(order) });
    } catch (caught) {
      refuse(caught);
    }
  };
  call.on('data', (request: OperateRequest__Output) => {
    if (isOver || isProven) return;
    try {
      if (challenged === undefined) challenge(request);
      else {
        checkProof(request, { expected: challenged.proof, peer: call.getPeer(), gate });
        isProven = true;
        stopWaiting();
        void obey(challenged.order);
      }
    } catch (caught) {
      refuse(caught);
    }
  });
  call.on('end', () => {
    // An order that was proved is carried out, and its answer may still be on its way.
    if (!isProven) finish();
  });
  call.on('cancelled', () => {
    finish();
  });
  call.on('error', () => {
    finish();
  });
}

/** Only an operator's or a coordinator's certificate may give orders. */
function checkRole(peer: CertificateFacts | undefined, address: string, { run, onStranger }: OperatorGate): void {
  const fault = peer === undefined ? undefined : roleFault(peer, ['operator', 'coordinator']);
  if (fault === undefined) return;
  const reason = `${address} may give run ${run} no orders: ${fault}`;
  onStranger(reason);
  throw new TrainingError('CERTIFICATE_REFUSED', reason);
}

interface ProofCheck {
  readonly expected: Uint8Array;
  readonly peer: string;
  readonly gate: OperatorGate;
}

function checkProof({ proof }: OperateRequest__Output, { expected, peer, gate }: ProofCheck): void {
  if (proof && isSameSecret(expected, proof.proof)) return;
  const reason = `the operator at ${peer} did not show that it has the operator token of run ${gate.run}`;
  gate.onStranger(reason);
  throw new TrainingError(
    'TOKEN_INVALID',
    `${reason}; give it a copy of operator.token in the run's folder, with FACET_OPERATOR_TOKEN_FILE; the run token is not enough`,
  );
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
function checkOrder(order: Order | null | undefined): {
  readonly order: CheckedOrder;
  readonly signed: OperatorOrder;
} {
  if (!order) throw new TrainingError('VERSION_MISMATCH', 'the first message is no order; install the same version');
  const { kind, workerId, reason, nonce } = order;
  if (nonce.length !== JOIN_NONCE_BYTES) {
    throw new TrainingError('CONFIG_INVALID', `order.nonce has ${nonce.length} bytes, expected ${JOIN_NONCE_BYTES}`);
  }
  const signed = { kind, workerId, reason, nonce };
  const clipped = clip(reason);
  switch (kind) {
    case 'ORDER_KIND_STOP':
      return { order: { kind: 'stop', reason: clipped }, signed };
    case 'ORDER_KIND_CHECKPOINT':
      return { order: { kind: 'checkpoint', reason: clipped }, signed };
    case 'ORDER_KIND_DRAIN':
      if (isWorkerId(workerId)) return { order: { kind: 'drain', workerId, reason: clipped }, signed };
      throw new TrainingError(
        'CONFIG_INVALID',
        `'${workerId.slice(0, 128)}' is no worker's id; \`facet status\` names the workers`,
      );
    default:
      throw new TrainingError('VERSION_MISMATCH', `there is no order ${String(kind)}; install the same version`);
  }
}
