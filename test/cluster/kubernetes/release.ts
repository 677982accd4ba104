/** One run on a cluster: the chart as Helm installs it, what its pods do, and what it says of itself. */
import { fileURLToPath } from 'node:url';
import { until } from '../../testkit/facet.js';
import type { Cluster } from './open-cluster.js';

export const CHART = fileURLToPath(new URL('../../../deploy/helm/facet', import.meta.url));

export interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly containerStatuses?: readonly {
      readonly restartCount: number;
      readonly state: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

export interface Job {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly parallelism: number };
  readonly status: {
    readonly succeeded?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** What /status says, as far as the tests read it. */
export interface RunStatus {
  readonly step: number;
  readonly phase: string;
  readonly workers: readonly { readonly isMember: boolean }[];
}

/** How many workers train together. */
export function worldSizeOf({ workers }: RunStatus): number {
  return workers.filter(({ isMember }) => isMember).length;
}

export type Component = 'coordinator' | 'worker' | 'nats';

export class Release {
  readonly #cluster: Cluster;
  readonly name: string;
  #coordinatorIp = '';

  constructor(cluster: Cluster, name: string) {
    this.#cluster = cluster;
    this.name = name;
  }

  /** Installs it, or changes it. */
  async apply(values: string): Promise<void> {
    // Kubernetes 1.20 makes no Service when it is asked by server-side apply, and says that it has.
    const flags = ['--install', '--server-side=false', '-n', this.name, '-f', values];
    await this.#cluster.helm('upgrade', this.name, CHART, ...flags);
  }

  pods(component: Component): Promise<readonly Pod[]> {
    return this.#cluster.items<Pod>('pods', ...this.#of(component));
  }

  /** Pods that run and are not being deleted. */
  async running(component: Component): Promise<readonly Pod[]> {
    return (await this.pods(component)).filter(
      ({ metadata, status }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined,
    );
  }

  jobs(component: Component): Promise<readonly Job[]> {
    return this.#cluster.items<Job>('jobs', ...this.#of(component));
  }

  /** Deletes a pod as `kubectl delete pod` does, without waiting for its end. */
  async deletePod(name: string): Promise<void> {
    await this.#cluster.kubectl('delete', 'pod', name, '-n', this.name, '--wait=false');
  }

  /** What the leader says; undefined while nobody answers. */
  async status(): Promise<RunStatus | undefined> {
    const answer = this.#coordinatorIp === '' ? undefined : await this.#ask(this.#coordinatorIp);
    if (answer !== undefined) return answer;
    for (const { status } of await this.running('coordinator')) {
      const found = status.podIP === undefined ? undefined : await this.#ask(status.podIP);
      if (found === undefined) continue;
      this.#coordinatorIp = status.podIP!;
      return found;
    }
    return undefined;
  }

  /** Waits until a step is committed; returns when it was seen, in ms of the clock of this process. */
  async untilStep(step: number, timeoutMs = 120_000): Promise<number> {
    await until(`step ${step} is committed`, async () => ((await this.status())?.step ?? -1) >= step, timeoutMs);
    return performance.now();
  }

  async #ask(ip: string): Promise<RunStatus | undefined> {
    const text = await this.#cluster.get(`${ip}:4301`, '/status');
    return text === undefined ? undefined : (JSON.parse(text) as RunStatus);
  }

  #of(component: Component): readonly string[] {
    const labels = `app.kubernetes.io/instance=${this.name},app.kubernetes.io/component=${component}`;
    return ['-n', this.name, '-l', labels];
  }
}
