/**
 * What a person can do when JavaScript, WebAssembly or a thread gets no more memory. Node says "could not allocate" and a stack; a command says what is wrong
 * and what to do.
 */
import { TrainingError } from './errors.js';

const MESSAGE =
  /could not allocate memory|allocation failed|Invalid (?:typed )?array (?:buffer )?length|std::bad_alloc/i;
const CODES: ReadonlySet<string | undefined> = new Set(['ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']);

/** The refusal of memory as an error for people; undefined for any other error. */
export function memoryRefusal(caught: unknown): TrainingError | undefined {
  if (!(caught instanceof Error) || caught instanceof TrainingError) return undefined;
  const { code } = caught as NodeJS.ErrnoException;
  if (!CODES.has(code) && !MESSAGE.test(caught.message)) return undefined;
  return new TrainingError(
    'MEMORY_REFUSED',
    `the system gives no more memory (${caught.message}); raise its limit (\`ulimit -v\`, or that of the container), or use fewer workers`,
    { cause: caught },
  );
}
