// A vitest reporter that lists the slowest test files at the end, with the share that loading them took, so that whoever wants
// faster tests knows where to begin. Times are those of a clock: on a busy machine they say more than the files need.

const MOST = 10;
const SECOND_MS = 1_000;

/**
 * The lines of the list, slowest first.
 *
 * @param files `name`, `testsMs` and `loadMs` of every file
 */
export function slowestFiles(files) {
  const total = ({ testsMs, loadMs }) => testsMs + loadMs;
  const seconds = (ms) => (ms / SECOND_MS).toFixed(1).padStart(7);
  const sum = (of) => files.reduce((soFar, file) => soFar + of(file), 0);
  return [
    `Slowest files (${Math.min(MOST, files.length)} of ${files.length}), seconds and of these to load:`,
    ...files
      .toSorted((a, b) => total(b) - total(a))
      .slice(0, MOST)
      .map((file) => `${seconds(total(file))} ${seconds(file.loadMs)}  ${file.name}`),
    `${seconds(sum(total))} ${seconds(sum(({ loadMs }) => loadMs))}  all files`,
  ];
}

/** Prints the list on stdout; silent when only one file ran. */
export default class SlowestFilesReporter {
  /** Called by vitest when all files are done. */
  onTestRunEnd(modules) {
    if (modules.length < 2) return;
    const files = modules.map((module) => {
      const { duration, collectDuration, setupDuration, prepareDuration, environmentSetupDuration } =
        module.diagnostic();
      return {
        name: module.relativeModuleId,
        testsMs: duration,
        loadMs: collectDuration + setupDuration + prepareDuration + environmentSetupDuration,
      };
    });
    console.log(`\n${slowestFiles(files).join('\n')}`);
  }
}
