/**
 * Checks the machine before a launch starts or writes anything: the engine, the broker, the dataset, the ports. The configuration has
 * been checked before.
 */
import { createServer } from 'node:net';
import { openRunData } from '@facet/task/data';
import { metricProblems, sampleProblems, TrainingError, type ConfigSource, type RunConfig } from '@facet/shared';
import { findBroker } from '../broker/find-broker.js';
import type { Environment } from '../context.js';
import { requireJetStream } from './broker-probe.js';

/** `up` starts all workers on one machine. More workers than this need more machines. */
export const MAX_LOCAL_WORKERS = 64;

export interface LaunchCheck {
  readonly config: RunConfig;
  readonly sourceOf: (key: string) => ConfigSource;
  readonly env: Environment;
}

/**
 * Checks what a launch needs.
 *
 * @returns the nats-server binary to start; undefined when somebody named a broker that runs already
 * @throws TrainingError ENGINE_UNAVAILABLE, BROKER_NOT_FOUND, BROKER_UNREACHABLE, BROKER_NO_JETSTREAM,
 *   DATASET_UNAVAILABLE, DATASET_INVALID, CONFIG_INVALID or PORT_BUSY.
 */
export async function checkLaunch({
  config,
  sourceOf,
  env,
}: LaunchCheck): Promise<{ brokerBinary: string | undefined }> {
  await requireEngine(config, env);
  const source = sourceOf('nats.url');
  const isOwnBroker = source === 'default' || source === 'preset';
  const brokerBinary = isOwnBroker ? await requireBroker(env) : undefined;
  if (!isOwnBroker) await requireNamedBroker(config.nats.url, source);
  await requireData(config);
  const { host, port, httpPort } = config.coordinator;
  await requireFreePort(host, port, 'coordinator.port');
  await requireFreePort(host, httpPort, 'coordinator.httpPort');
  return { brokerBinary };
}

async function requireEngine({ engine: { name } }: RunConfig, env: Environment): Promise<void> {
  // The others come with npm; the worker's package takes a second to load.
  if (name === 'auto' || name === 'onnxruntime' || name === 'tfjs-cpu') return;
  const { requireInstalled } = await import('@facet/engine');
  requireInstalled(name, env);
}

async function requireNamedBroker(url: string, source: ConfigSource): Promise<void> {
  try {
    await requireJetStream(url);
  } catch (caught) {
    if (source !== 'file' || !(caught instanceof TrainingError)) throw caught;
    const advice =
      "nats.url comes from the file; in a run's config.json of an earlier version it is the address of a broker that is gone: take `nats` out";
    throw new TrainingError(caught.code, `${caught.message}; ${advice}`, { cause: caught });
  }
}

async function requireBroker(env: Environment): Promise<string> {
  const search = await findBroker({ env });
  if (search.ok) return search.broker.path;
  const tried = search.attempts.map(({ where, reason }) => `  ${where}: ${reason}`).join('\n');
  const advice = search.isForced
    ? 'Correct NATS_SERVER_BIN, or unset it.'
    : 'Install nats-server (Debian, Ubuntu: apt-get install nats-server), set NATS_SERVER_BIN to the file, or name a broker that runs with --nats.';
  throw new TrainingError('BROKER_NOT_FOUND', `no NATS broker (nats-server) was found. Tried:\n${tried}\n${advice}`);
}

async function requireData(config: RunConfig): Promise<void> {
  const data = await openRunData(config);
  const sizes = { trainSamples: data.length('train'), testSamples: data.length('test') };
  const problems = [...sampleProblems(config.samples, sizes, data.name), ...metricProblems(config, data)];
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('; '));
  if (config.task.module === undefined) return;
  const { train, heldOut } = config.samples;
  const trainedOn = (train === 0 ? sizes.trainSamples : train) - heldOut;
  if (trainedOn < config.batch.global) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `batch.global: ${config.batch.global}, expected at most ${trainedOn}, the samples that ${data.name} trains on; set batch.global and batch.micro in the task's training, or with --set`,
    );
  }
  // What is wrong with a task is said before anything is started; workers would all say it.
  const { checkTask } = await import('@facet/lab');
  await checkTask(config, data);
}

function requireFreePort(host: string, port: number, key: string): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const fault =
        error.code === 'EADDRINUSE'
          ? new TrainingError(
              'PORT_BUSY',
              `${key}: port ${port} on ${host} is in use; choose another one, or 0 for any free port`,
            )
          : new TrainingError('CONFIG_INVALID', `${key}: cannot listen on ${host}:${port}: ${error.message}`);
      reject(fault);
    });
    server.listen(port, host, () => {
      server.close(() => {
        resolve();
      });
    });
  });
}
