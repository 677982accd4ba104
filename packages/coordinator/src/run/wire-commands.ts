/**
 * Membership's commands as the messages that workers get. Addresses are looked up when a message is made, because a
 * worker may have come back under another one.
 */
import type { JoinResponse } from '@facet/proto';
import type { NamedSource } from '@facet/datasets';
import {
  encodePasses,
  encodePeerList,
  encodeWelcomeSecrets,
  passesLabel,
  shardKeyLabel,
  WELCOME_LABEL,
  withoutSecrets,
  type RunConfig,
} from '@facet/shared';
import type { JoinSession } from '../grpc/join-session.js';
import type { Command, FormMember, Outcome } from '../membership/state.js';
import type { LedRun } from './admission.js';
import { configText } from './run-folder.js';
import type { RunKey } from '../secrets/run-key.js';
import type { WorkerDirectory } from './worker-directory.js';

type FormCommand = Extract<Command, { kind: 'form' }>;

const STOP_REASONS = {
  finished: 'STOP_REASON_FINISHED',
  stopped: 'STOP_REASON_STOPPED',
  failed: 'STOP_REASON_FAILED',
} as const;

/** What a Form says beside what membership decided. */
export interface FormContext {
  readonly shares: readonly number[];
  readonly directory: WorkerDirectory;
  /** What was committed of the moments that the generation starts with; undefined when it is not known. */
  readonly momentsCrc: number | undefined;
  readonly run: LedRun;
}

/** Tells every member of a generation. */
export function sendForms(command: FormCommand, context: FormContext): void {
  const { directory, shares } = context;
  const peers = command.members.map(({ workerId }) => ({
    workerId,
    exchangeAddress: directory.get(workerId)?.hello.exchangeAddress ?? '',
  }));
  // Encoded once: for a thousand members, these are a million peers.
  const same = { peerList: encodePeerList(peers), shares: [...shares] };
  for (const member of command.members) {
    directory.send(member.workerId, { form: { ...formMessage(command, member, context), ...same } });
  }
}

function formMessage(
  command: FormCommand,
  member: FormMember,
  context: FormContext,
): Omit<NonNullable<JoinResponse['form']>, 'peerList' | 'shares'> {
  const { generation, start, work } = command;
  const { directory, momentsCrc = 0, run } = context;
  const { term, key } = run;
  const session = directory.get(member.workerId)?.session;
  const seal = (label: string, secret: Uint8Array): Buffer => session?.seal(label, secret) ?? Buffer.alloc(0);
  return {
    generation,
    rank: member.rank,
    kind: work.kind === 'train' ? 'WORK_KIND_TRAIN' : 'WORK_KIND_EVALUATE',
    step: work.step,
    ...sourceOf(member, directory),
    stateStep: start.step,
    stateWeightsCrc: start.weightsCrc ?? 0,
    stateMomentsCrc: momentsCrc,
    ticket: key.ticket({ term, generation, workerId: member.workerId }),
    sealedShardKey: seal(shardKeyLabel(generation), key.shardSeal(generation, member.rank).reveal()),
    sealedPasses: seal(passesLabel(generation), passesOf(command, member, context)),
  };
}

/** What the member shows: its own rank, and the state that it is told to pull if any. */
function passesOf({ generation, start }: FormCommand, member: FormMember, { run }: FormContext): Uint8Array {
  const { key, name } = run;
  const pulls = member.source.kind === 'pull-from-worker' || member.source.kind === 'pull-from-coordinator';
  return encodePasses({
    frames: key.passes.forFrames({ run: name, generation, rank: member.rank }),
    state: pulls ? key.passes.forState({ run: name, generation, step: start.step }).proof : undefined,
  });
}

/** Of one worker that is welcomed. */
export interface WelcomeContext {
  readonly key: RunKey;
  readonly workersOnHost: number;
  readonly session: Pick<JoinSession, 'seal'>;
}

/** The answer to a Hello. */
export function welcomeMessage(
  config: RunConfig,
  data: NamedSource,
  { key, workersOnHost, session }: WelcomeContext,
): JoinResponse {
  const { url, workerUrl: natsUrl = url } = config.nats;
  const secrets = encodeWelcomeSecrets({ natsUrl, exchangeKey: key.passes.publicKey, leaseKey: key.lease.publicKey });
  return {
    welcome: {
      run: config.run,
      configDocument: Buffer.from(configText(withoutSecrets(config))),
      sealed: session.seal(WELCOME_LABEL, secrets),
      datasetSha256: data.digest,
      trainSamples: data.length('train'),
      testSamples: data.length('test'),
      classes: [...(data.classes ?? [])],
      fields: Object.entries(data.fields).map(([name, { type, shape }]) => ({ name, type, shape: [...shape] })),
      workersOnHost,
      runId: key.id,
    },
  };
}

/** Of a run that is handed over there is none: its workers keep their state and look for the next coordinator. */
export function stopMessage(outcome: Exclude<Outcome, 'handed-over'>, message: string): JoinResponse {
  return { stop: { reason: STOP_REASONS[outcome], message } };
}

/** The last message to a worker that is sent away in order: it must not come back by itself. */
export function farewellMessage(reason: string): JoinResponse {
  return { stop: { reason: STOP_REASONS.stopped, message: reason } };
}

function sourceOf(
  { workerId, source }: FormMember,
  directory: WorkerDirectory,
): Pick<NonNullable<JoinResponse['form']>, 'stateSource' | 'stateAddress'> {
  switch (source.kind) {
    case 'initial':
      return { stateSource: 'STATE_SOURCE_INITIAL', stateAddress: '' };
    case 'keep':
      return { stateSource: 'STATE_SOURCE_KEEP', stateAddress: '' };
    case 'pull-from-worker': {
      const stateAddress = directory.get(source.workerId)?.hello.exchangeAddress ?? '';
      return { stateSource: 'STATE_SOURCE_PULL', stateAddress };
    }
    case 'pull-from-coordinator': {
      const stateAddress = directory.get(workerId)?.session.coordinatorAddress ?? '';
      return { stateSource: 'STATE_SOURCE_PULL', stateAddress };
    }
    default:
      return source satisfies never;
  }
}
