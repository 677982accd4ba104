// A vitest reporter that lists every skipped test with its reason at the end, so that a test that could not run here (no
// GPU, no Prometheus) is seen. The reason is the argument of `context.skip('...')`.

/** Lists the skipped tests of a run on stdout; silent when there are none. */
export default class SkippedReporter {
  /** Called by vitest when all files are done. */
  onTestRunEnd(modules) {
    const lines = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        // A run that was narrowed with -t skips the rest without anyone's decision.
        if (test.options.mode === 'run' && test.result().note === undefined) continue;
        lines.push(`  ${module.relativeModuleId} > ${test.fullName}: ${test.result().note ?? 'no reason given'}`);
      }
    }
    if (lines.length > 0) console.log(`\nSkipped tests (${lines.length}):\n${lines.join('\n')}`);
  }
}
