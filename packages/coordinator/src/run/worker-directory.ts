/**
 * The connected workers as the wire knows them: their streams, addresses, programs and last timings. It compares programs,
 * because workers whose programs differ must not train together, and translates commands into messages.
 */
import type { Hello, JoinResponse, StepDone } from '@facet/proto';
import { TrainingError, type GenerationRecord, type ParameterLayout } from '@facet/shared';
import type { JoinSession } from '../grpc/join-session.js';

export interface ProgramFacts {
  readonly programSha256: string;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly engine: string;
  readonly device: string;
}

export interface ConnectedWorker {
  readonly session: JoinSession;
  readonly hello: Hello;
  /** The generation of which it has shown that it was a member; 0 when of none. */
  readonly provenGeneration: number;
  program: ProgramFacts | undefined;
  lastStep: StepDone | undefined;
  /** What it is told when it leaves, if it did not ask for that itself. */
  farewell?: JoinResponse;
}

interface KnownProgram {
  readonly workerId: string;
  readonly program: ProgramFacts;
}

export class WorkerDirectory {
  readonly #workers = new Map<string, ConnectedWorker>();
  readonly #checkpointLayout: readonly ParameterLayout[] | undefined;
  #kept: KnownProgram | undefined;

  constructor(checkpointLayout: readonly ParameterLayout[] | undefined) {
    this.#checkpointLayout = checkpointLayout;
  }

  get all(): ReadonlyMap<string, ConnectedWorker> {
    return this.#workers;
  }

  get(workerId: string): ConnectedWorker | undefined {
    return this.#workers.get(workerId);
  }

  /**
   * Adds a worker.
   *
   * @returns the session that the same process had before, as its keys show; the caller ends it.
   * @throws TrainingError CONFIG_INVALID when another process has the id.
   */
  add(session: JoinSession, hello: Hello, provenGeneration: number): JoinSession | undefined {
    const { workerId } = hello;
    const existing = this.#workers.get(workerId);
    if (existing !== undefined && !session.continues(existing.session)) {
      const { hello: other } = existing;
      throw new TrainingError(
        'CONFIG_INVALID',
        `worker id ${workerId} is in use by process ${other.pid} on ${other.host}; give every worker an id of its own`,
      );
    }
    this.#workers.set(workerId, { session, hello, provenGeneration, program: undefined, lastStep: undefined });
    return existing?.session;
  }

  remove(workerId: string): ConnectedWorker | undefined {
    const worker = this.#workers.get(workerId);
    this.#workers.delete(workerId);
    return worker;
  }

  /** As remove, of a worker that leaves in order; it is told if it does not know. */
  dismiss(workerId: string): ConnectedWorker | undefined {
    const worker = this.remove(workerId);
    if (worker?.farewell !== undefined) worker.session.send(worker.farewell);
    return worker;
  }

  /** Says in the ledger who trains together after a step. */
  generationRecord(generation: number, workerIds: readonly string[], step: number): Omit<GenerationRecord, 'at'> {
    const members = workerIds.map((workerId) => {
      const { hello, program } = this.#workers.get(workerId) ?? {};
      return { workerId, host: hello?.host ?? '', engine: program?.engine ?? '', device: program?.device ?? '' };
    });
    return { kind: 'generation', generation, step, members };
  }

  /** Workers on a host. */
  countOn(host: string): number {
    return [...this.#workers.values()].filter(({ hello }) => hello.host === host).length;
  }

  /**
   * Notes a worker's program.
   *
   * @throws TrainingError VERSION_MISMATCH when it differs from that of the others, CHECKPOINT_INCOMPATIBLE when it does
   *   not fit the checkpoint that the run resumes from.
   */
  acceptProgram(workerId: string, program: ProgramFacts): void {
    const layout = this.#checkpointLayout;
    if (layout !== undefined) checkAgainstCheckpoint(workerId, program, layout);
    const reference = this.#reference;
    if (reference !== undefined) checkAgainstFirst(workerId, program, reference);
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.program = program;
  }

  /** A step was computed: from now on the run has its program, whoever leaves. */
  keepProgram(): void {
    this.#kept ??= this.#reference;
  }

  /** Where each parameter lies in the flat buffers; known while a worker is ready, and once a step was computed. */
  get layout(): readonly ParameterLayout[] | undefined {
    const reference = this.#reference;
    return reference === undefined ? undefined : layoutOf(reference.program);
  }

  /** What others are compared with. Before the first step, that of the first one that is still here. */
  get #reference(): KnownProgram | undefined {
    if (this.#kept !== undefined) return this.#kept;
    for (const [workerId, { program }] of this.#workers) if (program !== undefined) return { workerId, program };
    return undefined;
  }

  send(workerId: string, response: JoinResponse): void {
    this.#workers.get(workerId)?.session.send(response);
  }
}

function layoutOf({ parameters }: ProgramFacts): readonly ParameterLayout[] {
  let offset = 0;
  return parameters.map(({ name, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const part = { name, shape, offset, length };
    offset += length;
    return part;
  });
}

function checkAgainstFirst(workerId: string, program: ProgramFacts, first: KnownProgram): void {
  const isSame =
    program.programSha256 === first.program.programSha256 &&
    describe(program.parameters) === describe(first.program.parameters);
  if (isSame) return;
  throw new TrainingError(
    'VERSION_MISMATCH',
    `program differs: worker ${workerId} built ${program.programSha256.slice(0, 12)}, worker ${first.workerId} ` +
      `${first.program.programSha256.slice(0, 12)}; install the same version of Facet and its packages on every machine`,
  );
}

function checkAgainstCheckpoint(
  workerId: string,
  { parameters }: ProgramFacts,
  layout: readonly ParameterLayout[],
): void {
  const expected = layout.toSorted((a, b) => a.offset - b.offset);
  if (describe(parameters) === describe(expected)) return;
  const at = expected.findIndex((part, index) => describe([part]) !== describe(parameters.slice(index, index + 1)));
  const found = parameters[at];
  throw new TrainingError(
    'CHECKPOINT_INCOMPATIBLE',
    `worker ${workerId} has ${found === undefined ? 'no parameter' : describe([found])} where the checkpoint has ` +
      `${describe(expected.slice(at, at + 1))}; resume with the version of Facet that wrote it`,
  );
}

function describe(parameters: readonly { readonly name: string; readonly shape: readonly number[] }[]): string {
  return parameters.map(({ name, shape }) => `${name}[${shape.join('x')}]`).join(' ');
}
