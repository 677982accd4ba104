/**
 * The port for metrics and probes while a candidate does not lead. A container that stands by, or whose broker is not up yet,
 * lives and must not be started again. Once the candidate leads, its coordinator has the port. If another coordinator of this
 * machine has it, which is so with one configuration for both, there are no probes until then.
 */
import type { HttpLogin, TlsIdentity } from '@facet/security';
import { listeningHost, TrainingError, type RunConfig } from '@facet/shared';
import { createProcessRegistry, startHttpServer, type HttpServer, type Logger } from '@facet/telemetry';

export interface WaitingPortOptions {
  readonly config: Pick<RunConfig, 'coordinator' | 'tls'>;
  readonly tls: TlsIdentity | undefined;
  readonly login: HttpLogin | undefined;
  readonly log: Pick<Logger, 'warn'>;
}

export class WaitingPort implements AsyncDisposable {
  readonly #options: WaitingPortOptions;
  readonly #registry = createProcessRegistry();
  #server: HttpServer | undefined;
  #why: string | undefined;
  /** Opening and closing, one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: WaitingPortOptions) {
    this.#options = options;
  }

  /** Answers from now on. `why`: why the candidate is not ready; undefined when it is. */
  open(why?: string): Promise<void> {
    this.#why = why;
    return this.#inTurn(() => this.#open());
  }

  /** Gives the port free. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(action);
    return this.#turn;
  }

  async #open(): Promise<void> {
    const { config, tls, login, log } = this.#options;
    const { host, httpPort: port } = config.coordinator;
    // Nobody could know a port that is any free one.
    if (this.#server !== undefined || port === 0) return;
    try {
      this.#server = await startHttpServer({
        host: listeningHost(host),
        port,
        tls: config.tls?.http === 'plain' ? undefined : tls,
        login,
        registry: this.#registry,
        whyNotReady: () => this.#why,
      });
    } catch (caught) {
      log.warn({ reason: TrainingError.from(caught).message }, 'no probes are answered while this coordinator waits');
    }
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
  }
}
