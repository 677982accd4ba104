import { readCodeVersion } from '../code-version.js';
import type { CliContext } from '../context.js';
import type { ReportMaker } from '@facet/lab/data';

/** Says when a report is made, which is now. */
export async function reportMaker({ env }: Pick<CliContext, 'env'>): Promise<ReportMaker> {
  return { at: new Date().toISOString(), version: await readCodeVersion(env) };
}
