/**
 * Membership's commands as the messages that workers get. Addresses are looked up when a message is made, because a
 * worker may have come back under another one.
 */
import type { JoinResponse, Ticket } from '@facet/proto';
import type { NamedSource } from '@facet/datasets';
import type { RunConfig } from '@facet/shared';
import type { Command, Ending, FormMember } from '../membership/state.js';
import { configText } from './run-folder.js';
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
  /** The ticket of a member. */
  readonly ticketOf: (workerId: string) => Ticket;
}

/** The Form that one member gets. */
export function formMessage(
  command: FormCommand,
  member: FormMember,
  { shares, directory, momentsCrc = 0, ticketOf }: FormContext,
): JoinResponse {
  const { generation, start, work, members } = command;
  return {
    form: {
      generation,
      rank: member.rank,
      peers: members.map(({ workerId, rank }) => ({
        workerId,
        rank,
        exchangeAddress: directory.get(workerId)?.hello.exchangeAddress ?? '',
      })),
      kind: work.kind === 'train' ? 'WORK_KIND_TRAIN' : 'WORK_KIND_EVALUATE',
      step: work.step,
      ...sourceOf(member, directory),
      stateStep: start.step,
      stateWeightsCrc: start.weightsCrc ?? 0,
      stateMomentsCrc: momentsCrc,
      shares: [...shares],
      ticket: ticketOf(member.workerId),
    },
  };
}

/** The answer to a Hello. */
export function welcomeMessage(
  config: RunConfig,
  data: NamedSource,
  { runId, workersOnHost }: { readonly runId: string; readonly workersOnHost: number },
): JoinResponse {
  return {
    welcome: {
      run: config.run,
      configDocument: Buffer.from(configText(config)),
      natsUrl: config.nats.url,
      datasetSha256: data.digest,
      trainSamples: data.length('train'),
      testSamples: data.length('test'),
      classes: [...(data.classes ?? [])],
      fields: Object.entries(data.fields).map(([name, { type, shape }]) => ({ name, type, shape: [...shape] })),
      workersOnHost,
      runId,
    },
  };
}

export function stopMessage({ outcome, message }: Ending): JoinResponse {
  return { stop: { reason: STOP_REASONS[outcome], message } };
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
