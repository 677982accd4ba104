/** A client of Coordination that knows the protocol and does no work: somebody with the run's token, or with a wrong one. */
import { randomBytes } from 'node:crypto';
import { credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS, Coordination, type JoinRequest, type JoinResponse__Output } from '@facet/proto';
import { CONFIG_VERSION, JOIN_NONCE_BYTES, type JoinKeys, type RunToken } from '@facet/shared';

export class JoinClient implements AsyncDisposable {
  readonly hello: NonNullable<JoinRequest['hello']>;
  readonly received: JoinResponse__Output[] = [];
  /** Resolves when the stream is over. */
  readonly ended: Promise<void>;
  keys: JoinKeys | undefined;
  readonly #client: InstanceType<typeof Coordination>;
  readonly #call: ClientDuplexStream<JoinRequest, JoinResponse__Output>;

  /** @param previous of an earlier stream of the same process */
  constructor(
    address: string,
    token: RunToken | undefined,
    hello: Partial<NonNullable<JoinRequest['hello']>> = {},
    previous?: JoinKeys,
  ) {
    this.hello = {
      ...{ workerId: 'stranger', exchangeAddress: '127.0.0.1:9', metricsUrl: '', host: 'here', pid: 1, cores: 1 },
      ...{ codeVersion: 'test', configVersion: CONFIG_VERSION, nonce: randomBytes(JOIN_NONCE_BYTES) },
      ...hello,
    };
    this.#client = new Coordination(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.#call = this.#client.join();
    this.ended = new Promise((resolve) => {
      this.#call.on('end', resolve);
      this.#call.on('error', () => {
        resolve();
      });
    });
    this.#call.on('data', (message: JoinResponse__Output) => {
      this.received.push(message);
      if (message.challenge && token !== undefined) {
        const { run, runId, nonce } = message.challenge;
        this.keys = token.join(this.hello, { run, runId, term: message.term, nonce });
        const previousProof = Buffer.from(previous?.proofForNext(this.keys) ?? []);
        this.send({ proof: { proof: Buffer.from(this.keys.workerProof), previousProof } });
      }
    });
    this.send({ hello: this.hello });
  }

  send(message: JoinRequest): void {
    this.#call.write(message);
  }

  /** The first message of a kind, if it came. */
  first<K extends keyof JoinResponse__Output>(kind: K): JoinResponse__Output[K] | undefined {
    return this.received.find((message) => (message[kind] ?? null) !== null)?.[kind];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#call.cancel();
    this.#client.close();
    return Promise.resolve();
  }
}
