/**
 * One worker's Join stream: proves that this coordinator has the run's token and asks the worker for the same, greets, checks every
 * message and passes it on as an event. Nothing of a worker is used before its proof. A session ends once, whichever side
 * ends it, and writes never wait: a worker that does not read is dropped when too many messages wait for it.
 */
import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Hello, JoinRequest__Output, JoinResponse } from '@facet/proto';
import { roleFault, workerIdFault, type CertificateFacts } from '@facet/security';
import {
  CONFIG_VERSION,
  isSameSecret,
  JOIN_NONCE_BYTES,
  systemClock,
  TrainingError,
  type Clock,
  type ErrorCode,
  type JoinKeys,
  type RunToken,
} from '@facet/shared';
import { checkEvaluationDone, checkHello, checkReady, checkReport, checkStepDone } from './messages.js';

export type JoinCall = ServerDuplexStream<JoinRequest__Output, JoinResponse>;

/** A message that passed its checks. */
export type CheckedMessage = Exclude<
  {
    [K in keyof JoinRequest__Output]-?: { readonly kind: K; readonly body: NonNullable<JoinRequest__Output[K]> };
  }[keyof JoinRequest__Output],
  { readonly kind: 'message' | 'hello' | 'proof' }
>;

/** What the coordinator does with a session. Throwing a TrainingError refuses the worker with its code and message. */
export interface SessionHandler {
  /** A worker has shown that it has the token. Sends the Welcome, now or later. */
  onHello(session: JoinSession, hello: Hello): void;
  onMessage(session: JoinSession, message: CheckedMessage): void;
  /** The stream is over; called once, and only after onHello returned. */
  onClosed(session: JoinSession, reason: string): void;
}

/** Which run a stream is for, and what a worker must have to join it. */
export interface JoinGate {
  readonly run: string;
  readonly runId: string;
  readonly token: RunToken;
  /** Somebody who did not show the token was turned away. */
  readonly onStranger: (reason: string) => void;
}

export interface JoinSessionOptions {
  readonly call: JoinCall;
  /** Of the worker's certificate; absent on a port without TLS. */
  readonly peer?: CertificateFacts | undefined;
  /** The coordinator's term, which every message to the worker carries. */
  readonly term: number;
  readonly codeVersion: string;
  readonly gate: JoinGate;
  readonly handler: SessionHandler;
  /** Default: this machine's. */
  readonly clock?: Clock;
}

/** A worker says Hello at once. A stream without a Hello is not a worker's, or its worker is gone. */
const HELLO_TIMEOUT_MS = 10_000;

/** A worker that reads has a few messages to read at most: a generation's and its checkpoints'. */
const MOST_UNREAD = 256;

export class JoinSession {
  /** host:port under which this worker reached the coordinator. */
  readonly coordinatorAddress: string;
  readonly #call: JoinCall;
  readonly #peer: CertificateFacts | undefined;
  readonly #term: number;
  readonly #codeVersion: string;
  readonly #gate: JoinGate;
  readonly #handler: SessionHandler;
  readonly #stopWaiting: () => void;
  /** Of a worker that has said Hello and not yet proved that it may. */
  #challenged: { readonly hello: Hello; readonly keys: JoinKeys } | undefined;
  #hello: Hello | undefined;
  #keys: JoinKeys | undefined;
  #previousProof: Uint8Array = new Uint8Array();
  #isOver = false;

  constructor({ call, peer, term, codeVersion, gate, handler, clock = systemClock }: JoinSessionOptions) {
    this.#call = call;
    this.#peer = peer;
    this.#term = term;
    this.#codeVersion = codeVersion;
    this.#gate = gate;
    this.#handler = handler;
    this.coordinatorAddress = call.getHost();
    this.#stopWaiting = clock.schedule(HELLO_TIMEOUT_MS, () => {
      const missing = this.#challenged === undefined ? 'Hello' : 'Proof';
      this.refuse('PEER_UNAVAILABLE', `no ${missing} within ${HELLO_TIMEOUT_MS} ms of connecting`);
    });
    call.on('data', (request: JoinRequest__Output) => {
      this.#receive(request);
    });
    call.on('end', () => {
      this.#finish('it closed its stream');
    });
    call.on('cancelled', () => {
      this.#finish('its stream broke');
    });
    call.on('error', (error: Error) => {
      this.#finish(`its stream failed: ${error.message}`);
    });
  }

  get workerId(): string {
    return this.#hello?.workerId ?? '';
  }

  /** Encrypts what only this worker may read. */
  seal(label: string, bytes: Uint8Array): Buffer {
    if (this.#keys === undefined)
      throw new TrainingError('INTERNAL', 'a secret for a worker that has proved nothing yet');
    return this.#keys.seal(label, bytes);
  }

  /** Whether the process of an earlier stream is the one that opened this one. */
  continues(earlier: JoinSession): boolean {
    if (this.#keys === undefined || earlier.#keys === undefined) return false;
    return isSameSecret(earlier.#keys.proofForNext(this.#keys), this.#previousProof);
  }

  /** Sends a message. If the session is over, the message is dropped. If the worker has stopped reading, the session ends. */
  send(response: JoinResponse): void {
    if (this.#isOver) return;
    if (this.#call.writableLength >= MOST_UNREAD) this.#finish(`it has not read ${MOST_UNREAD} messages`);
    else this.#call.write({ ...response, term: this.#term });
  }

  /** Ends the stream from this side; the handler hears nothing of it. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#call.end();
  }

  refuse(code: ErrorCode, message: string): void {
    this.send({ refusal: { code, message } });
    this.#finish(`refused: ${message}`);
  }

  #receive(request: JoinRequest__Output): void {
    if (this.#isOver) return;
    try {
      if (this.#challenged === undefined) this.#challenge(request);
      else if (this.#hello === undefined) this.#greet(this.#challenged, request);
      else this.#handler.onMessage(this, checkMessage(request));
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      this.refuse(code, message);
    }
  }

  #challenge({ hello }: JoinRequest__Output): void {
    if (hello === null || hello === undefined) {
      throw new TrainingError('VERSION_MISMATCH', 'the first message is not Hello; the worker is of another version');
    }
    checkHello(hello);
    checkPeer(this.#peer, hello);
    if (hello.codeVersion !== this.#codeVersion || hello.configVersion !== CONFIG_VERSION) {
      throw new TrainingError(
        'VERSION_MISMATCH',
        `worker ${hello.workerId} runs Facet ${hello.codeVersion} (config version ${hello.configVersion}), the coordinator ` +
          `${this.#codeVersion} (config version ${CONFIG_VERSION}); install the same version on every machine`,
      );
    }
    const { run, runId, token } = this.#gate;
    const nonce = randomBytes(JOIN_NONCE_BYTES);
    const keys = token.join(hello, { run, runId, term: this.#term, nonce });
    this.#challenged = { hello, keys };
    this.send({ challenge: { run, runId, nonce, proof: Buffer.from(keys.coordinatorProof) } });
  }

  #greet({ hello, keys }: { readonly hello: Hello; readonly keys: JoinKeys }, { proof }: JoinRequest__Output): void {
    if (!proof || !isSameSecret(keys.workerProof, proof.proof)) {
      const reason = `worker ${hello.workerId} at ${this.#call.getPeer()} did not show that it has the token of run ${this.#gate.run}`;
      this.#gate.onStranger(reason);
      throw new TrainingError(
        'TOKEN_INVALID',
        `${reason}; give it a copy of run.token in the run's folder, with FACET_RUN_TOKEN_FILE`,
      );
    }
    this.#stopWaiting();
    this.#keys = keys;
    this.#previousProof = proof.previousProof;
    this.#handler.onHello(this, hello);
    this.#hello = hello;
  }

  #finish(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#call.end();
    if (this.#hello !== undefined) this.#handler.onClosed(this, reason);
  }
}

/** Only a worker's certificate may join, and one with a name only as that worker. */
function checkPeer(peer: CertificateFacts | undefined, { workerId }: Hello): void {
  if (peer === undefined) return;
  const fault = roleFault(peer, ['worker']) ?? workerIdFault(peer, workerId);
  if (fault !== undefined) throw new TrainingError('CERTIFICATE_REFUSED', `${workerId} may not join: ${fault}`);
}

function checkMessage(request: JoinRequest__Output): CheckedMessage {
  const { ready, stepDone, evaluationDone, report, fault, formed, heartbeat, leave } = request;
  if (ready) {
    checkReady(ready);
    return { kind: 'ready', body: ready };
  }
  if (stepDone) {
    checkStepDone(stepDone);
    return { kind: 'stepDone', body: stepDone };
  }
  if (evaluationDone) {
    checkEvaluationDone(evaluationDone);
    return { kind: 'evaluationDone', body: evaluationDone };
  }
  if (report) {
    checkReport(report);
    return { kind: 'report', body: report };
  }
  if (fault) return { kind: 'fault', body: fault };
  if (formed) return { kind: 'formed', body: formed };
  if (heartbeat) return { kind: 'heartbeat', body: heartbeat };
  if (leave) return { kind: 'leave', body: leave };
  throw new TrainingError(
    'VERSION_MISMATCH',
    `a worker sent ${request.message ?? 'an unknown message'}, which is not expected here; install the same version on every machine`,
  );
}
