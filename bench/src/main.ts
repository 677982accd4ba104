/**
 * `npm run bench -- NAME [options]`. Exit codes: 0; 1 when a promise was broken, the report has another shape than
 * promised, or the bench failed; 2 for a command line that cannot be meant; 128 and the signal's number when interrupted.
 */
import { constants } from 'node:os';
import { parseOptions, UsageError } from './options.js';
import { findBench, usage } from './registry.js';
import { printReport, reportOf, shapeFault } from './report.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One signal that arrives over two ways, from the terminal and from npm, arrives within this time. */
const SAME_SIGNAL_MS = 500;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Runs the bench that the arguments name; resolves to the exit code. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    console.log(usage());
    return 0;
  }
  const bench = findBench(name);
  const { isJson, isSmall, values } = parseOptions(bench.options, args);
  const stop = listenForStop();
  try {
    const measured = await bench.run(values, { isSmall, signal: stop.signal, say });
    const report = reportOf(bench, isSmall, measured);
    printReport(report, { isJson });
    for (const failure of report.failures) say(`failed: ${failure}`);
    const fault = shapeFault(bench, report);
    if (fault !== undefined) say(`the report of ${bench.name} has another shape than its definition says:\n${fault}`);
    return report.failures.length > 0 || fault !== undefined ? 1 : 0;
  } catch (caught) {
    // Whatever fails after a signal fails because of it.
    if (stop.received === undefined) throw caught;
    say('interrupted');
    return 128 + constants.signals[stop.received];
  }
}

interface Stop {
  readonly signal: AbortSignal;
  readonly received: NodeJS.Signals | undefined;
}

/** The first signal asks for an end with everything that was started, the second ends at once. */
function listenForStop(): Stop {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  let receivedAt = -Infinity;
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      const now = performance.now();
      if (received !== undefined && now - receivedAt >= SAME_SIGNAL_MS) process.exit(128 + constants.signals[name]);
      received ??= name;
      receivedAt = now;
      controller.abort(new Error(`interrupted by ${name}`));
    });
  }
  return {
    signal: controller.signal,
    get received() {
      return received;
    },
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (caught) {
  if (caught instanceof UsageError) say(caught.message);
  else say(caught instanceof Error ? (caught.stack ?? caught.message) : String(caught));
  process.exitCode = caught instanceof UsageError ? 2 : 1;
}
