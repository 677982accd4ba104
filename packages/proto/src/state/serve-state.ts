/**
 * Hands training states out to whoever pulls them, within bounds: a few calls are sent to at a time and the others wait for their
 * turn, all who ask for one state share one copy of it, and a puller that does not read loses its turn. A state is checked against
 * its checksums before it leaves, so that a holder whose memory is not sound says so itself.
 */
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import { changeOfState, systemClock, TrainingError, type Clock, type StateSnapshot } from '@facet/shared';
import type { PullStateRequest__Output } from '../gen/facet/v1/PullStateRequest.js';
import type { PullStateResponse } from '../gen/facet/v1/PullStateResponse.js';
import { stateMessages } from './state-stream.js';

/** Calls that are sent to at a time. */
const MAX_SENDING = 8;
/** Different states that are in memory for them. */
const MAX_STATES = 2;
/** Calls that wait for their turn, of all peers. */
const MAX_WAITING = 1_024;
/** A puller that takes nothing for so long loses its turn. */
const STALL_MS = 10_000;

export type StateCall = ServerWritableStream<PullStateRequest__Output, PullStateResponse>;

/**
 * Finds a state, in memory of its own.
 *
 * @throws TrainingError when it is not held; its code and message are the puller's answer.
 */
export type FindState = (request: PullStateRequest__Output) => StateSnapshot | Promise<StateSnapshot>;

interface SharedState {
  readonly found: Promise<StateSnapshot>;
  calls: number;
}

/** The handler of PullState. */
export function createStateService(find: FindState, clock: Clock = systemClock): (call: StateCall) => void {
  const states = new Map<string, SharedState>();
  const waiting: StateCall[] = [];
  let sending = 0;

  const send = async (call: StateCall, key: string): Promise<void> => {
    const shared = states.get(key) ?? { found: findSound(find, call.request), calls: 0 };
    states.set(key, shared);
    shared.calls += 1;
    try {
      await write(call, stateMessages(await shared.found), clock);
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      call.emit('error', { code: status.FAILED_PRECONDITION, details: `${code}: ${message}` });
    } finally {
      shared.calls -= 1;
      if (shared.calls === 0) states.delete(key);
    }
  };

  const serveNext = (): void => {
    while (sending < MAX_SENDING) {
      const at = waiting.findIndex((call) => states.has(keyOf(call)) || states.size < MAX_STATES);
      const [call] = at === -1 ? [] : waiting.splice(at, 1);
      if (call === undefined) return;
      if (call.cancelled) continue;
      sending += 1;
      void send(call, keyOf(call)).then(() => {
        sending -= 1;
        serveNext();
      });
    }
  };

  return (call) => {
    if (waiting.length >= MAX_WAITING) {
      const details = `${waiting.length} pulls of a state wait, at most ${MAX_WAITING} may`;
      call.emit('error', { code: status.RESOURCE_EXHAUSTED, details });
      return;
    }
    call.once('cancelled', () => {
      const at = waiting.indexOf(call);
      if (at !== -1) waiting.splice(at, 1);
    });
    waiting.push(call);
    serveNext();
  };
}

function keyOf({ request: { run, step } }: StateCall): string {
  return `${step}/${run}`;
}

async function findSound(find: FindState, request: PullStateRequest__Output): Promise<StateSnapshot> {
  const state = await find(request);
  const change = changeOfState(state);
  if (change === undefined) return state;
  throw new TrainingError(
    'DESYNC',
    `the state after step ${state.step} changed by itself: ${change}; take that machine out, its memory is not sound`,
  );
}

/** Sends one message after the other, so that one that is not read holds no more than itself; a puller that goes away ends it. */
async function write(call: StateCall, messages: Iterable<PullStateResponse>, clock: Clock): Promise<void> {
  for (const message of messages) {
    if (call.cancelled) return;
    if ((await writeOne(call, message, clock)) === 'stalled')
      throw new TrainingError('STALE', `nothing of the state was taken for ${STALL_MS} ms; pull it again`);
  }
  call.end();
}

function writeOne(call: StateCall, message: PullStateResponse, clock: Clock): Promise<'over' | 'stalled'> {
  return new Promise((resolve) => {
    const settle = (how: 'over' | 'stalled') => (): void => {
      cancel();
      call.off('cancelled', over);
      resolve(how);
    };
    const cancel = clock.schedule(STALL_MS, settle('stalled'));
    const over = settle('over');
    call.once('cancelled', over);
    call.write(message, over);
  });
}
