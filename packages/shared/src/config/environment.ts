/**
 * The environment variables that set configuration keys: one table for code, messages and documentation. Values are text.
 * If a key takes a number and the text is one, it becomes a number. The schema checks everything else.
 */
import { suggestion } from './closest-name.js';
import { mergeMappings, nest, type Mapping } from './layers.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentVariable {
  readonly variable: string;
  /** Dotted configuration key. */
  readonly key: string;
  readonly takes: 'number' | 'text';
}

/** Every variable that sets a key. The other keys can be set by flags and in the file. */
export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  { variable: 'FACET_RUN', key: 'run', takes: 'text' },
  { variable: 'FACET_DATASET', key: 'dataset', takes: 'text' },
  { variable: 'FACET_PRESET', key: 'preset', takes: 'text' },
  { variable: 'FACET_SEED', key: 'seed', takes: 'number' },
  { variable: 'FACET_EPOCHS', key: 'epochs', takes: 'number' },
  { variable: 'FACET_DATA', key: 'data', takes: 'text' },
  { variable: 'FACET_DATA_FOLDER', key: 'dataFolder', takes: 'text' },
  { variable: 'FACET_WORKERS', key: 'workers.count', takes: 'number' },
  { variable: 'FACET_ENGINE', key: 'engine.name', takes: 'text' },
  { variable: 'FACET_DEVICE', key: 'engine.device', takes: 'text' },
  { variable: 'FACET_THREADS', key: 'engine.threads', takes: 'number' },
  { variable: 'FACET_CHECKPOINT_STEPS', key: 'checkpoint.everySteps', takes: 'number' },
  { variable: 'FACET_CHECKPOINT_KEEP', key: 'checkpoint.keep', takes: 'number' },
  { variable: 'FACET_NATS_URL', key: 'nats.url', takes: 'text' },
  { variable: 'FACET_COORDINATOR_HOST', key: 'coordinator.host', takes: 'text' },
  { variable: 'FACET_COORDINATOR_ADVERTISE', key: 'coordinator.advertise', takes: 'text' },
  { variable: 'FACET_COORDINATOR_PORT', key: 'coordinator.port', takes: 'number' },
  { variable: 'FACET_HTTP_PORT', key: 'coordinator.httpPort', takes: 'number' },
  { variable: 'FACET_TLS_FOLDER', key: 'tls.folder', takes: 'text' },
];

/** Variables with our prefix that are not configuration keys. */
const OTHER_VARIABLES = [
  'FACET_CACHE',
  'FACET_CODE_VERSION',
  'FACET_HTTP_LOGIN_FILE',
  'FACET_LOG_LEVEL',
  'FACET_NATS_CREDS_FILE',
  'FACET_NATS_NKEY_FILE',
  'FACET_OPERATOR_TOKEN',
  'FACET_OPERATOR_TOKEN_FILE',
  'FACET_PROMETHEUS_BIN',
  'FACET_PYTHON',
  'FACET_RUNS',
  'FACET_RUN_TOKEN',
  'FACET_RUN_TOKEN_FILE',
  'FACET_S3RVER',
  'FACET_STORE',
  'FACET_STORE_LOGIN',
  'FACET_STORE_LOGIN_FILE',
  'FACET_STORE_MAX_BYTES',
  'FACET_STORE_REPLICAS',
  'FACET_TEST_REPORT',
];

const PREFIX = 'FACET_';

/**
 * What Kubernetes and Docker set for a service, from the service's name alone: for `facet-coordinator` among others
 * FACET_COORDINATOR_PORT=tcp://10.96.0.1:4300 (https://kubernetes.io/docs/concepts/services-networking/service/).
 */
const SERVICE_NAME = /_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$/;
const SERVICE_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

function isServiceLink(name: string, text: string | undefined): boolean {
  return SERVICE_NAME.test(name) || (name.endsWith('_PORT') && SERVICE_ADDRESS.test(text ?? ''));
}

export interface EnvironmentReading {
  readonly values: Mapping;
  readonly problems: readonly string[];
  /** One sentence each about variables of ours that somebody else has set. */
  readonly notes: readonly string[];
}

/**
 * The configuration layer of the environment. An empty variable counts as unset. A variable with our prefix that is spelled
 * nearly like one of ours is a problem. Any other is not, because other programs may share the prefix.
 */
export function readEnvironment(environment: Environment): EnvironmentReading {
  let values: Mapping = {};
  const notes: string[] = [];
  for (const { variable, key, takes } of ENVIRONMENT_VARIABLES) {
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    if (isServiceLink(variable, text)) {
      notes.push(`${variable} is '${text}', the address of a service: it does not set ${key} and is ignored`);
      continue;
    }
    values = mergeMappings(values, nest(key, takes === 'number' ? numberIn(text) : text));
  }
  const known = [...ENVIRONMENT_VARIABLES.map(({ variable }) => variable), ...OTHER_VARIABLES];
  const problems = Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name) && !isServiceLink(name, environment[name]))
    .map((name) => ({ name, advice: suggestion(name, known) }))
    .filter(({ advice }) => advice !== '')
    .map(({ name, advice }) => `${name}: unknown environment variable${advice}`);
  return { values, problems, notes };
}

/** The variable that sets a dotted key. */
export function variableOf(key: string): string | undefined {
  return ENVIRONMENT_VARIABLES.find((entry) => entry.key === key)?.variable;
}

/** The same environment without the variables that set keys, for a child that is told its configuration in full. */
export function withoutConfigVariables(environment: Environment): Record<string, string | undefined> {
  const own = new Set(ENVIRONMENT_VARIABLES.map(({ variable }) => variable));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.has(name)));
}

function numberIn(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}
