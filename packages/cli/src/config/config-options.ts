/**
 * The flags that set configuration keys, shared by every command that needs a run's configuration. One table says which
 * flag sets which key; `--set key=value` reaches all others. Values are not judged here: the schema does it for all layers.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { DATASETS, mergeMappings, nest, type Mapping } from '@facet/shared';
import { parse } from 'yaml';
import { DEVICE_ABOUT, ENGINE_ABOUT } from './engine-flags.js';
import { TLS_ABOUT, TLS_FLAG } from '../tls/open-identity.js';

interface ConfigFlag {
  readonly flags: string;
  /** Dotted configuration key. */
  readonly key: string;
  /** `nothing`: it sets the key to true. */
  readonly takes: 'number' | 'text' | 'nothing';
  readonly about: string;
}

/** Flags of every command that takes a configuration. */
const TRAINING_FLAGS: readonly ConfigFlag[] = [
  { flags: '--dataset <name>', key: 'dataset', takes: 'text', about: `what to train on: ${DATASETS.join(', ')}` },
  { flags: '--task <file>', key: 'task.module', takes: 'text', about: 'a module of your own: what to train' },
  { flags: '--preset <name>', key: 'preset', takes: 'text', about: 'model and recipe that belong together' },
  { flags: '--epochs <number>', key: 'epochs', takes: 'number', about: 'passes over the training set' },
  { flags: '--seed <number>', key: 'seed', takes: 'number', about: 'fixes every random choice' },
];

const DATA_FLAG = '--data <folder | way>';
const DATA_WAYS: readonly string[] = ['stream', 'local'];

const OPERATION_FLAGS: readonly ConfigFlag[] = [
  { flags: '--workers <number>', key: 'workers.count', takes: 'number', about: 'workers to train with' },
  {
    flags: DATA_FLAG,
    key: 'dataFolder',
    takes: 'text',
    about: 'where your data are; or how they travel: stream (over NATS) or local (every worker has them)',
  },
  {
    flags: '--data-folder <folder>',
    key: 'dataFolder',
    takes: 'text',
    about: "folder with the dataset's files, instead of the built-in source",
  },
  { flags: '--nats <url>', key: 'nats.url', takes: 'text', about: 'a broker that runs already (nats://HOST:4222)' },
  { flags: '--engine <name>', key: 'engine.name', takes: 'text', about: ENGINE_ABOUT },
  { flags: '--device <name>', key: 'engine.device', takes: 'text', about: DEVICE_ABOUT },
  {
    flags: '--threads <number>',
    key: 'engine.threads',
    takes: 'number',
    about: 'threads of each worker; 0 divides the cores',
  },
  {
    flags: '--balance',
    key: 'balance',
    takes: 'nothing',
    about: 'faster workers get larger shares; the result is the same',
  },
];

const RUN_FLAG: ConfigFlag = {
  flags: '--run <name>',
  key: 'run',
  takes: 'text',
  about: 'name of the run (default: from dataset, preset and time)',
};

const COORDINATOR_FLAGS: readonly ConfigFlag[] = [
  { flags: TLS_FLAG, key: 'tls.folder', takes: 'text', about: TLS_ABOUT },
  {
    flags: '--host <address>',
    key: 'coordinator.host',
    takes: 'text',
    about: 'address to listen on; auto: every address of this machine (default: 127.0.0.1)',
  },
  {
    flags: '--advertise <host[:port]>',
    key: 'coordinator.advertise',
    takes: 'text',
    about: 'what others are told instead of --host and --port: where a container or a router forwards to them',
  },
  {
    flags: '--port <number>',
    key: 'coordinator.port',
    takes: 'number',
    about: 'port for workers; 0 takes any free one',
  },
  {
    flags: '--http-port <number>',
    key: 'coordinator.httpPort',
    takes: 'number',
    about: 'port for metrics; 0 takes any free one',
  },
];

/** What commander makes of the options that are added here; those in the tables are read by key. */
export interface ConfigOptions extends Readonly<Record<string, unknown>> {
  readonly config?: string;
  readonly set?: readonly (readonly [key: string, value: unknown])[];
  readonly adversarial?: boolean;
  readonly stopWhen?: readonly string[];
  readonly freeze?: readonly string[];
}

/** A command that takes a configuration; `show` only what decides the arithmetic. */
export type ConfigCommand = 'show' | 'up' | 'coordinator' | 'resume' | 'ablate' | 'chaos';

/** Adds --config, --set and the flags of the configuration; `run` is left out where the run is an argument. */
export function addConfigOptions(command: Command, which: ConfigCommand): Command {
  command.option('--config <file>', 'YAML file with configuration keys; flags and environment are stronger');
  for (const flag of flagsFor(which)) command.option(flag.flags, flag.about);
  // Which keys it sets depends on the dataset, which is known when all layers are.
  if (which !== 'resume') {
    command.option('--adversarial', "train on attacked samples (PGD, at the dataset's published size)");
  }
  if (which === 'up' || which === 'coordinator' || which === 'resume') command.addOption(stopOption());
  if (which === 'up' || which === 'coordinator') command.addOption(freezeOption());
  return command.addOption(
    new Option('--set <key=value>', 'any configuration key, as in --set batch.micro=64; may be repeated').argParser(
      collectSetting,
    ),
  );
}

/** The configuration layer of the flags that were given. */
export function configLayer(options: ConfigOptions, which: ConfigCommand): Mapping {
  const settings = (options.set ?? []).map(([key, value]) => nest(key, value));
  const { stopWhen, freeze } = options;
  if (freeze !== undefined) settings.push(nest('freeze', freeze));
  if (stopWhen !== undefined) settings.push(nest('stopWhen', stopWhen.join() === 'none' ? [] : stopWhen));
  const flags = flagsFor(which).flatMap(({ flags: text, key, takes }) => {
    const given = options[new Option(text).attributeName()];
    if (takes === 'nothing' && given === true) return [nest(key, true)];
    if (typeof given !== 'string') return [];
    // The two ways were there before folders could be named like this.
    if (text === DATA_FLAG && DATA_WAYS.includes(given)) return [nest('data', given)];
    return [nest(key, takes === 'number' ? numberIn(given) : given)];
  });
  return [...settings, ...flags].reduce(mergeMappings, {});
}

function freezeOption(): Option {
  return new Option(
    '--freeze <pattern>',
    'parameters that are not trained, by name, as in stem.* (* is any characters); may be repeated',
  ).argParser((pattern: string, earlier: readonly string[] = []) => [...earlier, pattern]);
}

function stopOption(): Option {
  return new Option(
    '--stop-when <rule>',
    'end the run early: accuracy>=0.99, loss<0.1, patience=5 (evaluations that are not the best); none takes the rules away; may be repeated',
  ).argParser((rule: string, earlier: readonly string[] = []) => [...earlier, rule]);
}

function flagsFor(which: ConfigCommand): readonly ConfigFlag[] {
  switch (which) {
    case 'show':
      return TRAINING_FLAGS;
    case 'ablate':
      // A study has --seeds.
      return [...TRAINING_FLAGS.filter(({ key }) => key !== 'seed'), ...OPERATION_FLAGS];
    case 'chaos':
      // --seed is the schedule's there, and the broker is always its own.
      return [...TRAINING_FLAGS, ...OPERATION_FLAGS].filter(({ key }) => key !== 'seed' && key !== 'nats.url');
    case 'up':
      return [...TRAINING_FLAGS, RUN_FLAG, ...OPERATION_FLAGS];
    case 'coordinator':
      return [...TRAINING_FLAGS, RUN_FLAG, ...OPERATION_FLAGS, ...COORDINATOR_FLAGS];
    case 'resume':
      return [...OPERATION_FLAGS, ...TRAINING_FLAGS];
    default:
      return which satisfies never;
  }
}

function collectSetting(
  text: string,
  earlier: readonly (readonly [string, unknown])[] = [],
): (readonly [string, unknown])[] {
  const parts = /^([^=]+)=(.*)$/s.exec(text);
  const [, key, value] = parts ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError('Expected key=value, as in batch.micro=64.');
  try {
    return [...earlier, [key.trim(), parse(value) as unknown]];
  } catch {
    return [...earlier, [key.trim(), value]];
  }
}

/** Text stays text when it is no number: the schema then says what it expected. */
function numberIn(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}
