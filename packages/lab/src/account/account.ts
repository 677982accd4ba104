/**
 * What happened in a run, from facts alone: how it began, every interruption with its first cause and its cost, how it ended,
 * what was lost, and what to do now. It decides nothing and reads nothing; account-words.ts says it to people.
 */
import { stepsPerEpoch } from '@facet/shared';
import { causeOf, causeOfSilence, type Cause } from './cause.js';
import { readStory, type Arrival, type Interruption, type LedgerStory } from './interruptions.js';
import type { AccountFacts } from './account-facts.js';

export interface ExplainedInterruption extends Interruption {
  readonly cause: Cause;
}

/** `unfinished`: nothing runs, and nobody recorded an end. */
export type RunState = 'running' | 'finished' | 'stopped' | 'failed' | 'unfinished';

export interface Account {
  readonly run: string;
  readonly state: RunState;
  readonly beganMs: number | undefined;
  readonly lastAtMs: number;
  readonly workers: number;
  readonly hosts: readonly string[];
  readonly engines: readonly string[];
  readonly steps: number;
  readonly plannedSteps: number;
  readonly interruptions: readonly ExplainedInterruption[];
  readonly arrivals: readonly Arrival[];
  readonly again: { readonly steps: number; readonly seconds: number };
  readonly lastCheckpoint: number | undefined;
  /** Samples of committed steps that are not as the plan says; undefined when the ledger cannot be read. */
  readonly lost:
    { readonly duplicated: number; readonly foreign: number; readonly problems: readonly string[] } | undefined;
  /** Why it did not go on; undefined when it finished, runs, or was stopped. */
  readonly endCause: Cause | undefined;
  /** What the person who reads this does next, the most important thing first. */
  readonly advice: readonly string[];
}

/** The account of a run. */
export function accountOf(facts: AccountFacts): Account {
  const story = readStory(facts.items);
  const interruptions = story.interruptions.map((each) => ({ ...each, cause: causeOf(each, facts) }));
  const state = stateOf(facts, story);
  const endCause = state === 'failed' || state === 'unfinished' ? whyItEnded(facts, story, interruptions) : undefined;
  const lost = facts.ledger && lossOf(facts.ledger, state);
  const { run, first, lastStep, lastAtMs } = story;
  const members = first?.members ?? [];
  return {
    run: facts.run,
    state,
    beganMs: run === undefined ? undefined : Date.parse(run.at),
    lastAtMs,
    workers: members.length,
    hosts: [...new Set(members.map(({ host }) => host))],
    engines: [...new Set(members.map(({ engine, device }) => `${engine}/${device}`))],
    steps: lastStep,
    plannedSteps: run === undefined ? 0 : stepsPerEpoch(run) * story.epochs,
    interruptions,
    arrivals: story.arrivals,
    again: {
      steps: interruptions.reduce((sum, { again }) => sum + again.steps, 0),
      seconds: interruptions.reduce((sum, { again }) => sum + again.seconds, 0),
    },
    lastCheckpoint: story.lastCheckpoint,
    lost,
    endCause,
    advice: adviceOf({ state, run: facts.run, endCause, interruptions, isClean: lost?.problems.length === 0 }),
  };
}

/** A run that goes on has samples to come; a finished one has none. */
function lossOf(
  { duplicated, foreign, missing, contradictions }: NonNullable<AccountFacts['ledger']>,
  state: RunState,
): NonNullable<Account['lost']> {
  const isShort = state === 'finished' && missing > 0;
  const problems = isShort ? [...contradictions, `it is finished, but ${missing} samples are missing`] : contradictions;
  return { duplicated, foreign, problems };
}

function stateOf({ isRunning }: AccountFacts, { end }: LedgerStory): RunState {
  if (isRunning) return 'running';
  return end?.reason ?? 'unfinished';
}

function whyItEnded(
  facts: AccountFacts,
  story: LedgerStory,
  interruptions: readonly ExplainedInterruption[],
): Cause | undefined {
  const last = interruptions.at(-1);
  if (last !== undefined && last.kind === 'fault' && last.goesOnAfterMs === undefined) return last.cause;
  return causeOfSilence(story.lastAtMs, facts);
}

function adviceOf({
  state,
  run,
  endCause,
  interruptions,
  isClean,
}: Pick<Account, 'state' | 'run' | 'endCause'> & {
  readonly interruptions: readonly ExplainedInterruption[];
  readonly isClean: boolean;
}): string[] {
  if (!isClean) {
    return [`\`facet ledger check ${run}\` names every problem; do not use these weights before you know why`];
  }
  const resume = `\`facet resume ${run}\` goes on with it`;
  switch (state) {
    case 'finished':
      return interruptions.length === 0
        ? []
        : ['nothing: the run finished, with the weights that it would have had anyway'];
    case 'running':
      return ['nothing: it trains; `facet status` shows it'];
    case 'stopped':
      return [resume];
    case 'failed':
    case 'unfinished': {
      if (endCause === undefined) return [resume];
      if (endCause.code === 'NON_FINITE') return [endCause.advice];
      return [endCause.advice, `then ${resume}`];
    }
    default:
      return state satisfies never;
  }
}
