/**
 * The names that a run may have. A run's name is also the name of a folder and of a NATS stream, and part of a NATS subject.
 * So it contains nothing that has a meaning in one of them: no separator, no dot, no blank.
 */

const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The expectation in words, for messages. */
export const RUN_NAME_EXPECTATION =
  '1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder';

/** True for a name that a run may have. */
export function isRunName(name: string): boolean {
  return RUN_NAME.test(name);
}
