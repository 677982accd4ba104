/** Debian's Docker engine for a cluster: its images are kept in the cache, everything else goes away. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../testkit/facet.js';
import { endChild, type NetworkSpace } from './network-space.js';

const execute = promisify(execFile);
/** Debian's client: another one may be elsewhere on the PATH. */
const DOCKER = '/usr/bin/docker';

export interface DockerEngine extends AsyncDisposable {
  readonly socket: string;
  /** Where docker's clients find it. */
  readonly environment: NodeJS.ProcessEnv;
  docker(...args: readonly string[]): Promise<string>;
}

export interface EngineOptions {
  readonly cache: string;
  /** For sockets, logs and state. */
  readonly folder: string;
  readonly space: NetworkSpace;
}

export async function openDockerEngine({ cache, folder, space }: EngineOptions): Promise<DockerEngine> {
  const home = path.join(folder, 'docker');
  mkdirSync(home, { recursive: true });
  const socket = path.join(home, 'docker.sock');
  const script = path.join(import.meta.dirname, 'dockerd.sh');
  const engine = space.start('dockerd', [script, cache, home, '--bip', '172.17.0.1/16']);
  const environment = { ...process.env, DOCKER_HOST: `unix://${socket}` };
  const docker = async (...args: readonly string[]): Promise<string> =>
    (await execute(DOCKER, args, { env: environment, maxBuffer: 64 * 1024 * 1024 })).stdout;
  await until('the Docker engine answers', async () => {
    if (engine.exitCode !== null) throw new Error(`dockerd ended with ${engine.exitCode}: ${folder}/dockerd.log`);
    return docker('version').then(
      () => true,
      () => false,
    );
  });
  return {
    socket,
    environment,
    docker,
    async [Symbol.asyncDispose]() {
      const left = (await docker('ps', '-aq')).split('\n').filter((id) => id !== '');
      if (left.length > 0) await docker('rm', '-f', ...left);
      await endChild(engine);
    },
  };
}
