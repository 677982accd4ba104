/**
 * The names of a run in JetStream. Everything of a run has the run's name in it, so that a user of the broker can be given
 * one run, some or all of them (docs/stores.md lists the permissions).
 */

/** The stream of a run's ledger. */
export const LEDGER_STREAM_PREFIX = 'facet-ledger-';
/** The stream of a run's objects. */
export const OBJECT_STREAM_PREFIX = 'facet-objects-';

export interface RunNames {
  readonly ledgerStream: string;
  readonly ledgerSubject: string;
  readonly objectStream: string;
  /** What an object is: its size and which chunks it has. */
  objectSubject(name: string): string;
  readonly objectSubjects: string;
  chunkSubject(id: string, index: number | '>'): string;
  readonly chunkSubjects: string;
  /** The upload that a chunk's subject is of, and its place there. */
  chunkOf(subject: string): { readonly id: string; readonly index: number };
  /** The name of the object that a subject is of. */
  nameOf(subject: string): string;
}

export function runNames(run: string): RunNames {
  const base = `facet.store.${run}`;
  const objects = `${base}.object.`;
  return {
    ledgerStream: `${LEDGER_STREAM_PREFIX}${run}`,
    ledgerSubject: `${base}.ledger`,
    objectStream: `${OBJECT_STREAM_PREFIX}${run}`,
    // A name has slashes and dots, which a part of a subject may not have.
    objectSubject: (name) => `${objects}${Buffer.from(name).toString('base64url')}`,
    objectSubjects: `${objects}>`,
    chunkSubject: (id, index) => `${base}.chunk.${id}.${index}`,
    chunkSubjects: `${base}.chunk.>`,
    chunkOf(subject) {
      const [id = '', index = ''] = subject.slice(`${base}.chunk.`.length).split('.');
      return { id, index: Number(index) };
    },
    nameOf: (subject) => Buffer.from(subject.slice(objects.length), 'base64url').toString(),
  };
}
