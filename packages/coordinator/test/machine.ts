/** The membership as a machine in a test's hands: events in, commands out, and time that passes when it is told to. */
import { createPlan } from '@facet/shared';
import {
  createMembership,
  type Command,
  type CreateMembershipOptions,
  type HeldState,
  type Membership,
  type MembershipEvent,
  type MembershipPolicy,
} from '../src/membership/state.js';
import { transition } from '../src/membership/transition.js';

export const plan = createPlan(
  { seed: 1, epochs: 2, batch: { global: 16, micro: 4 } },
  { trainSamples: 64, testSamples: 20 },
);
export const policy: MembershipPolicy = {
  workers: { count: 2, min: 1, max: 3 },
  heartbeatMs: 100,
  gatherMs: 1_000,
  plan,
};

/** A machine that is told events and remembers what it was told to do. */
export class Machine {
  state: Membership;
  nowMs = 0;
  commands: readonly Command[] = [];
  readonly #policy: MembershipPolicy;

  constructor(options: Partial<CreateMembershipOptions> & { readonly changes?: Partial<MembershipPolicy> } = {}) {
    this.#policy = { ...policy, ...options.changes };
    this.state = createMembership({
      policy: this.#policy,
      nowMs: 0,
      generation: 0,
      checkpoint: undefined,
      evaluatedSteps: [],
      ...options,
    });
  }

  tell(...events: MembershipEvent[]): readonly Command[] {
    const commands: Command[] = [];
    for (const event of events) {
      const result = transition(this.state, event, { policy: this.#policy, nowMs: this.nowMs });
      this.state = result.state;
      commands.push(...result.commands);
    }
    this.commands = commands;
    return commands;
  }

  /** Lets time pass; everybody in `alive` is heard just before. */
  pass(ms: number, alive: readonly string[] = [...this.state.workers.keys()]): readonly Command[] {
    this.nowMs += ms;
    for (const workerId of alive) this.tell({ kind: 'heard', workerId });
    return this.tell({ kind: 'tick' });
  }

  join(workerId: string, held?: HeldState, host = 'here'): readonly Command[] {
    return this.tell({ kind: 'connected', workerId, host }, { kind: 'ready', workerId, held });
  }

  formed(generation: number, held: HeldState, ...workerIds: string[]): readonly Command[] {
    return this.tell(...workerIds.map((workerId) => ({ kind: 'formed', workerId, generation, held }) as const));
  }

  /** Two workers in generation 1, running from initial weights. */
  static running(): Machine {
    const machine = new Machine();
    machine.join('a');
    machine.join('b');
    machine.formed(1, initial, 'a', 'b');
    return machine;
  }
}

export const initial: HeldState = { step: 0, weightsCrc: 7 };
export const at = (step: number, weightsCrc = step * 10): HeldState => ({ step, weightsCrc });
export const report = (workerId: string, generation: number, held: HeldState | undefined): MembershipEvent => ({
  kind: 'report',
  workerId,
  generation,
  held,
});
export const applied = (workerId: string, generation: number, held: HeldState): MembershipEvent => ({
  kind: 'applied',
  workerId,
  generation,
  held,
});
export const leave = (workerId: string): MembershipEvent => ({ kind: 'leave-requested', workerId, reason: 'SIGTERM' });
/** The step after the last one that a member is known to have applied. */
export const nextStep = ({ state }: Machine, members: readonly string[]): number =>
  1 + Math.max(...members.map((id) => state.workers.get(id)?.held?.step ?? 0));
export const faultOf = (workerId: string, generation: number, code = 'STEP_TIMEOUT' as const): MembershipEvent => ({
  kind: 'fault',
  workerId,
  generation,
  step: 1,
  code,
  message: 'no contribution',
});
