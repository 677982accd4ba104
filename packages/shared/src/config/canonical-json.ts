/**
 * JSON with one spelling: equal values give equal bytes, whatever order their keys were set in. Hashes over configurations
 * are hashes over this text.
 */
import { TrainingError } from '../errors.js';

/**
 * Writes a JSON value with sorted keys and no spaces. As in JSON.stringify, a member that is undefined is left out.
 *
 * @throws TrainingError INTERNAL naming the place of a value that JSON cannot hold (NaN, a function, undefined in a list).
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$');
}

function write(value: unknown, place: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${value.map((element, index) => write(element, `${place}[${index}]`)).join(',')}]`;
  }
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${write(member, `${place}.${key}`)}`);
    return `{${members.join(',')}}`;
  }
  throw new TrainingError('INTERNAL', `${place} is ${describe(value)}, expected a value that JSON can hold`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object with a class of its own' : `a ${typeof value}`;
}
