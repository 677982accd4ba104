// What scripts print about themselves goes to stderr, always: stdout belongs to the command they start (`--json`).

/** Prints one plain line. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Seconds for people: `0.4 s`, `31 s`. */
export function formatSeconds(durationMs) {
  const seconds = durationMs / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/**
 * Runs a script's body and turns what it throws into one message and an exit code: 2 for what the caller can mend at
 * once (`isUsage`), 1 for the rest. A failure without a plan for it (no `isExpected`) keeps its stack.
 */
export async function runScript(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    const isExpected = error instanceof ScriptError || error?.isUsage === true;
    say(isExpected ? error.message : (error?.stack ?? String(error)));
    process.exitCode = error?.isUsage === true ? 2 : 1;
  }
}

/** A failure whose message says all there is to know. */
export class ScriptError extends Error {
  constructor(message, { isUsage = false } = {}) {
    super(message);
    this.name = 'ScriptError';
    this.isUsage = isUsage;
  }
}
