/**
 * What a run may be called. The name is a folder's, a NATS stream's and part of a NATS subject, so it holds nothing that
 * any of them would read as something else: no separator, no dot, no blank.
 */

const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** The expectation in words, for messages. */
export const RUN_NAME_EXPECTATION =
  '1 to 64 letters, digits, "-" and "_", the first a letter or a digit, so that it names a folder inside the runs folder';

/** True for a name that a run may have. */
export function isRunName(name: string): boolean {
  return RUN_NAME.test(name);
}
