/**
 * A training state as a stream of messages: a header with its checksums, then little-endian float32 bytes of weights, first and
 * second moments, and the average of the weights when the run keeps one. Whoever reads knows that every value is as its holder
 * noted it; whether it is the state that was wanted is for whoever pulls to say.
 */
import { changeOfState, stateParts, TrainingError, type StateSnapshot } from '@facet/shared';
import type { PullStateResponse, PullStateResponse__Output } from '../gen/facet/v1/PullStateResponse.js';
import type { StateHeader__Output } from '../gen/facet/v1/StateHeader.js';

/** What a call that is not read holds, beside a few of these in gRPC. */
const CHUNK_BYTES = 256 * 1024;
const BYTES_PER_VALUE = 4;

/** The messages of a state; chunks share its memory. */
export function* stateMessages(state: StateSnapshot): Generator<PullStateResponse> {
  const { step, weights, weightsCrc, momentsCrc } = state;
  yield { header: { step, parameters: weights.length, weightsCrc, momentsCrc } };
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
  finish(): StateSnapshot;
}

/**
 * Puts a state together again.
 *
 * @param shape what the state must be; anything else is refused before memory is taken for it.
 */
export function createStateReader({ parameters, hasAverage }: StateShape): StateReader {
  const bytes = new Uint8Array((hasAverage ? 4 : 3) * parameters * BYTES_PER_VALUE);
  let header: StateHeader__Output | undefined;
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
      const { step, weightsCrc, momentsCrc } = header;
      const parts = { weights: part(0), m: part(1), v: part(2), ...(hasAverage && { ema: part(3) }) };
      const state = { step, weightsCrc, momentsCrc, ...parts };
      const damage = changeOfState(state);
      if (damage !== undefined) throw invalid(damage);
      return state;
    },
  };
}

function invalid(fault: string): TrainingError {
  return new TrainingError('FRAME_INVALID', `the state cannot be used: ${fault}; it is pulled again`);
}
