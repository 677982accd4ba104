/**
 * A training state as a stream of messages: one header, then little-endian float32 bytes of weights, first and second
 * moments, and the average of the weights when the run keeps one. Reading checks the length and the checksum; whoever pulls decides whether it is the state it wanted.
 */
import type { PullStateResponse, PullStateResponse__Output } from '@facet/proto';
import { formatCrc32, stateCrc, stateParts, TrainingError, type TrainingState } from '@facet/shared';

const CHUNK_BYTES = 1024 * 1024;
const BYTES_PER_VALUE = 4;

/** The messages of a state; chunks share its memory. */
export function* stateMessages(state: TrainingState, weightsCrc: number): Generator<PullStateResponse> {
  yield { header: { step: state.step, parameters: state.weights.length, weightsCrc } };
  for (const part of stateParts(state)) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      yield { chunk: bytes.subarray(start, start + CHUNK_BYTES) };
    }
  }
}

/** How large a state is, and whether the average of the weights is a part of it. */
export interface StateShape {
  readonly parameters: number;
  readonly hasAverage: boolean;
}

export interface StateReader {
  accept(message: PullStateResponse__Output): void;
  /** @throws TrainingError FRAME_INVALID when something is missing or damaged. */
  finish(): TrainingState & { readonly weightsCrc: number };
}

/**
 * Puts a state together again.
 *
 * @param shape what the state must be; anything else is refused before memory is taken for it.
 */
export function createStateReader({ parameters, hasAverage }: StateShape): StateReader {
  const bytes = new Uint8Array((hasAverage ? 4 : 3) * parameters * BYTES_PER_VALUE);
  let header: { readonly step: number; readonly parameters: number; readonly weightsCrc: number } | undefined;
  let received = 0;
  return {
    accept({ header: newHeader, chunk }) {
      if (newHeader) {
        if (newHeader.parameters !== parameters) {
          throw invalid(`it has ${newHeader.parameters} parameters, expected ${parameters}`);
        }
        header = newHeader;
      } else if (chunk) {
        if (header === undefined) throw invalid('a chunk came before the header');
        if (received + chunk.length > bytes.length)
          throw invalid(`it has more than the expected ${bytes.length} bytes`);
        bytes.set(chunk, received);
        received += chunk.length;
      }
    },
    finish() {
      if (header === undefined || received !== bytes.length)
        throw invalid(`it has ${received} bytes, expected ${bytes.length}`);
      const part = (index: number): Float32Array =>
        new Float32Array(bytes.buffer, index * parameters * BYTES_PER_VALUE, parameters);
      const weights = part(0);
      const average = hasAverage ? { ema: part(3) } : {};
      const actual = stateCrc({ weights, ...average });
      if (actual !== header.weightsCrc) {
        throw invalid(`its weights have checksum ${formatCrc32(actual)}, expected ${formatCrc32(header.weightsCrc)}`);
      }
      return { step: header.step, weights, m: part(1), v: part(2), ...average, weightsCrc: actual };
    },
  };
}

function invalid(fault: string): TrainingError {
  return new TrainingError('FRAME_INVALID', `the state cannot be used: ${fault}; it is pulled again`);
}
