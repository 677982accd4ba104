/**
 * Checks lengths, ranges and formats of what workers send, before anything else uses it. A message that fails is answered
 * with a refusal that names the field. Whether a message fits the state of the run is decided elsewhere.
 */
import type { EvaluationDone, Hello, JoinRequest__Output, Report, StepDone } from '@facet/proto';
import { isRunName, JOIN_NONCE_BYTES, TrainingError } from '@facet/shared';

const MAX_NAME_LENGTH = 255;
const MAX_URL_LENGTH = 2_048;
const MAX_PARAMETERS = 100_000;
const MAX_DIMENSIONS = 8;
/** The flat buffers of a state are indexed by 32 bits. */
const MAX_VALUES = 2 ** 31 - 1;
/** Far more than a task has sums. */
const MAX_METRICS = 64;
const MAX_RECENT = 1_024;
const MAX_EVALUATION_PARTS = 1_000_000;
const MAX_CLASSES_SQUARED = 1_000_000;
const MAX_TEXT_LENGTH = 4_096;
const SHA256 = /^[0-9a-f]{64}$/;
const WORKER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const ENGINE = /^[a-z][a-z0-9-]{0,63}$/;
const RUN_ID = /^[0-9a-f]{0,64}$/;
const MAX_SEAL_BYTES = 64;
const ADDRESS = /^(\[[0-9A-Fa-f:.%]+\]|[^\s:/]+):\d{1,5}$/;

type ReadyMessage = NonNullable<JoinRequest__Output['ready']>;

/** True for a text that can be a worker's id. */
export function isWorkerId(text: string): boolean {
  return WORKER_ID.test(text);
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
export function checkHello(hello: Hello): void {
  const { workerId } = hello;
  require(isWorkerId(workerId), 'hello.worker_id', workerId, 'letters, digits, dots and dashes, at most 128');
  require(ADDRESS.test(hello.exchangeAddress), 'hello.exchange_address', hello.exchangeAddress, 'host:port');
  require(hello.host.length <= MAX_NAME_LENGTH, 'hello.host', hello.host, `at most ${MAX_NAME_LENGTH} characters`);
  require(hello.run === '' || isRunName(hello.run), 'hello.run', hello.run, "a run's name or nothing");
  require(RUN_ID.test(hello.runId), 'hello.run_id', hello.runId, "a run's id or nothing");
  const sealBytes = hello.ticket?.seal.length ?? 0;
  require(sealBytes <= MAX_SEAL_BYTES, 'hello.ticket.seal', `${sealBytes} bytes`, `at most ${MAX_SEAL_BYTES}`);
  const nonceBytes = hello.nonce.length;
  require(nonceBytes === JOIN_NONCE_BYTES, 'hello.nonce', `${nonceBytes} bytes`, `${JOIN_NONCE_BYTES} bytes`);
  const { metricsUrl } = hello;
  const isUrl = metricsUrl === '' || (metricsUrl.length <= MAX_URL_LENGTH && URL.canParse(metricsUrl));
  require(isUrl, 'hello.metrics_url', metricsUrl, 'a URL or nothing');
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
export function checkReady({ programSha256, parameters, engine, device, state }: ReadyMessage): void {
  require(SHA256.test(programSha256), 'ready.program_sha256', programSha256, '64 lower-case hex digits');
  require(ENGINE.test(engine), 'ready.engine', engine, 'the name of an engine');
  require(ENGINE.test(device), 'ready.device', device, 'the name of a device');
  const { length } = parameters;
  require(length > 0 && length <= MAX_PARAMETERS, 'ready.parameters', `${length} of them`, `1 to ${MAX_PARAMETERS}`);
  for (const { name, shape } of parameters) {
    require(name.length > 0 &&
      name.length <= MAX_NAME_LENGTH, 'ready.parameters.name', name, `1 to ${MAX_NAME_LENGTH} characters`);
    require(shape.length <= MAX_DIMENSIONS &&
      shape.every(
        (size) => size > 0,
      ), `ready.parameters ${name}`, `[${shape.join(', ')}]`, `at most ${MAX_DIMENSIONS} positive sizes`);
  }
  const values = parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  require(values <= MAX_VALUES, 'ready.parameters', `${values} values`, `at most ${MAX_VALUES}`);
  if (state !== null) checkReport(state);
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
export function checkReport({ recent }: Report): void {
  require(recent.length <= MAX_RECENT, 'report.recent', `${recent.length} steps`, `at most ${MAX_RECENT}`);
  for (const done of recent) checkStepDone(done);
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
export function checkStepDone(done: StepDone): void {
  const { step, generation, metrics, sampleCount, gradientNorm, localGradientNorm, learningRate, timings } = done;
  require(step >= 1, 'step_done.step', step, 'at least 1');
  require(generation >= 1, 'step_done.generation', generation, 'at least 1');
  checkMetrics('step_done', metrics);
  const { correct = 0 } = metrics;
  require(Number.isInteger(correct) &&
    correct >= 0 &&
    correct <=
      sampleCount, 'step_done.metrics.correct', correct, `a whole number from 0 to ${sampleCount}, the samples of the step`);
  // Whether the loss is one is judged where it is recorded: it says something about the run, the others about the worker.
  for (const [name, value] of Object.entries({ gradientNorm, localGradientNorm, learningRate, ...timings })) {
    require(Number.isFinite(value) && value >= 0, `step_done: ${name}`, value, 'a number from 0 on');
  }
}

/** The number of names is bounded: all of them are kept for every micro-batch of an evaluation. */
function checkMetrics(field: string, metrics: Readonly<Record<string, number>>): void {
  const names = Object.keys(metrics);
  require(names.length <= MAX_METRICS, `${field}.metrics`, `${names.length} of them`, `at most ${MAX_METRICS}`);
  for (const name of names) {
    require(name.length > 0 &&
      name.length <= MAX_NAME_LENGTH, `${field}.metrics`, name, `names of 1 to ${MAX_NAME_LENGTH} characters`);
  }
}

/** @throws TrainingError CONFIG_INVALID naming the field. */
export function checkEvaluationDone({ parts, confusion }: EvaluationDone): void {
  require(parts.length <=
    MAX_EVALUATION_PARTS, 'evaluation_done.parts', `${parts.length} of them`, `at most ${MAX_EVALUATION_PARTS}`);
  for (const { metrics } of parts) checkMetrics('evaluation_done', metrics);
  require(confusion.length <=
    MAX_CLASSES_SQUARED, 'evaluation_done.confusion', `${confusion.length} cells`, `at most ${MAX_CLASSES_SQUARED}`);
}

/** Text of a worker as it may enter a log or the ledger. */
export function clip(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}

function require(isValid: boolean, field: string, actual: string | number, expected: string): void {
  if (isValid) return;
  const shown = String(actual).slice(0, MAX_NAME_LENGTH);
  throw new TrainingError(
    'CONFIG_INVALID',
    `${field} is '${shown}', expected ${expected}; the worker is of another version or broken`,
  );
}
