/**
 * Builds TensorFlow's binding for Node into Facet's cache: the libraries of the current TensorFlow wheel, and the source of
 * @tensorflow/tfjs-node compiled against them. The stock package would download a library of 2022 that knows no current GPU.
 * The folder is built beside its place, proven by a forward and backward pass, and appears by one rename.
 */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, TrainingError } from '@facet/shared';
import { probeEngine } from '../../probe.js';
import { PROBE_TASK } from '../../probe-task.js';
import {
  INSTALL_RECORD,
  installedFolder,
  TENSORFLOW_VERSION,
  TFJS_NODE_VERSION,
  type TensorflowEngineName,
} from '../tensorflow-release.js';
import { runCommand } from './command.js';
import { findToolchain } from './prerequisites.js';
import {
  cudaRequirements,
  downloadWheels,
  fetchNpmPackage,
  NODE_API_HEADERS,
  sha256Of,
  TFJS_NODE,
  unpackWheel,
  wheelName,
  type FetchContext,
  type Wheel,
} from './sources.js';

export interface InstallOptions {
  readonly name: TensorflowEngineName;
  /** The Python whose pip downloads the wheel; else FACET_PYTHON, else python3. */
  readonly python?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Receives short plain lines of progress. */
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What an installation is made of; stored in it as install.json. */
export interface InstallRecord {
  readonly engine: TensorflowEngineName;
  readonly tensorflow: string;
  readonly tfjsNode: string;
  /** First line of the compiler's `--version`. */
  readonly compiler: string;
  /** SHA-256 of every wheel that went into it, by file name. */
  readonly wheels: Readonly<Record<string, string>>;
  /** SHA-256 of the native libraries, by their path in the folder. */
  readonly libraries: Readonly<Record<string, string>>;
}

export interface Installation {
  readonly folder: string;
  /** False when it was there before. */
  readonly isNew: boolean;
  readonly record: InstallRecord;
}

const LIBRARIES = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'] as const;
const BINDING = 'lib/napi-v8/tfjs_binding.node';
const NODE_API_VERSION = 8;
const COMPILE_TIMEOUT_MS = 600_000;

/** The C headers that the binding includes, and the rest of their folders; all of TensorFlow's headers are 270 MB. */
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'].map(
  (folder) => `tensorflow/include/${folder}`,
);

/**
 * Installs TensorFlow into the cache, or finds that it is there.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE that says which program is missing or what failed; CANCELLED.
 */
export async function installTensorflow(options: InstallOptions): Promise<Installation> {
  const { name, env, log, python, signal } = options;
  const folder = installedFolder(name, env);
  const present = await readRecord(folder);
  if (present !== undefined) return { folder, isNew: false, record: present };

  await makeFolder(dirname(folder));
  const scratch = await mkdtemp(`${folder}.`);
  try {
    const toolchain = await findToolchain({ env, python, folder: scratch, ...(signal && { signal }) });
    const context: FetchContext = {
      folder: scratch,
      env,
      python: toolchain.python,
      log,
      ...(signal && { signal }),
    };
    const built = join(scratch, 'built');
    await fetchBindingSource(built, context);
    const wheels = await fetchLibraries(name, built, context);
    await compile(built, { ...toolchain, context });
    for (const source of ['binding', 'tensorflow/include']) await rm(join(built, source), { recursive: true });
    const record = await writeRecord(name, built, { wheels, compiler: await compilerVersion(toolchain, context) });
    await prove(name, built, log);
    // Without a record it is no installation, whatever it is.
    if (!existsSync(join(folder, INSTALL_RECORD))) await rm(folder, { recursive: true, force: true });
    await rename(built, folder);
    return { folder, isNew: true, record };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readRecord(folder: string): Promise<InstallRecord | undefined> {
  const file = join(folder, INSTALL_RECORD);
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as InstallRecord) : undefined;
}

async function fetchLibraries(name: TensorflowEngineName, built: string, context: FetchContext): Promise<Wheel[]> {
  const { log } = context;
  const distribution = name === 'tensorflow-gpu' ? 'tensorflow' : 'tensorflow-cpu';
  log(`downloading ${distribution} ${TENSORFLOW_VERSION} (pip download) ...`);
  const [wheel] = await downloadWheels([`${distribution}==${TENSORFLOW_VERSION}`], context);
  log(`unpacking ${wheelName(wheel!)} ...`);
  await unpackWheel(wheel!, [...LIBRARIES, ...HEADERS], built, context);
  if (name !== 'tensorflow-gpu') return [wheel!];

  const requirements = await cudaRequirements(wheel!, context);
  log(`downloading ${requirements.length} CUDA libraries (pip download) ...`);
  const cuda = await downloadWheels(requirements, context);
  for (const library of cuda) await unpackWheel(library, ['nvidia/'], built, context);
  return [wheel!, ...cuda];
}

/** Keeps of the package what a backend needs; its other dependencies serve its downloader, TensorBoard and saved models. */
async function fetchBindingSource(built: string, context: FetchContext): Promise<void> {
  const source = join(context.folder, 'tfjs-node');
  await fetchNpmPackage(TFJS_NODE, source, context);
  for (const part of ['package.json', 'dist', 'binding']) {
    await cp(join(source, part), join(built, part), { recursive: true });
  }
  await writeFile(
    join(built, 'dist', 'proto', 'api_pb.js'),
    "// The messages of TensorBoard's summaries need google-protobuf; Facet writes no summaries.\nmodule.exports = {};\n",
  );
}

interface CompileOptions {
  readonly compiler: string;
  readonly nodeHeaders: string | undefined;
  readonly context: FetchContext;
}

/** Two source files and the stable Node-API: the compiler alone does it, without node-gyp, make and Node's full headers. */
async function compile(built: string, { compiler, nodeHeaders, context }: CompileOptions): Promise<void> {
  let headers = nodeHeaders;
  if (headers === undefined) {
    const target = join(context.folder, 'node-api-headers');
    await fetchNpmPackage(NODE_API_HEADERS, target, context);
    headers = join(target, 'include');
  }
  context.log(`compiling the binding (${compiler}) ...`);
  await makeFolder(dirname(join(built, BINDING)));
  const args = ['-std=c++17', '-O2', '-shared', '-fPIC', `-DNAPI_VERSION=${NODE_API_VERSION}`, `-I${headers}`];
  args.push('-Itensorflow/include', 'binding/tfjs_backend.cc', 'binding/tfjs_binding.cc', '-o', BINDING);
  args.push(...LIBRARIES, '-Wl,-rpath,$ORIGIN/../../tensorflow');
  await runCommand(compiler, args, { ...context, folder: built, timeoutMs: COMPILE_TIMEOUT_MS });
}

async function compilerVersion({ compiler }: { compiler: string }, context: FetchContext): Promise<string> {
  const said = await runCommand(compiler, ['--version'], { ...context, timeoutMs: 30_000 });
  return said.split('\n')[0] ?? compiler;
}

async function writeRecord(
  engine: TensorflowEngineName,
  built: string,
  { wheels, compiler }: { wheels: readonly Wheel[]; compiler: string },
): Promise<InstallRecord> {
  const libraries: Record<string, string> = {};
  for (const file of [...LIBRARIES, BINDING]) libraries[file] = await sha256Of(join(built, file));
  const record: InstallRecord = {
    engine,
    tensorflow: TENSORFLOW_VERSION,
    tfjsNode: TFJS_NODE_VERSION,
    compiler,
    wheels: Object.fromEntries(wheels.map((wheel) => [wheelName(wheel), wheel.sha256])),
    libraries,
  };
  await writeFile(join(built, INSTALL_RECORD), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

/** Runs a real forward and backward pass; a GPU build is proven on the CPU where there is no GPU, on a login machine for instance. */
async function prove(name: TensorflowEngineName, built: string, log: (line: string) => void): Promise<void> {
  const hasGpu = await stat('/proc/driver/nvidia/version').then(
    () => true,
    () => false,
  );
  const isOnGpu = name === 'tensorflow-gpu' && hasGpu;
  log(`running a forward and backward pass on the ${isOnGpu ? 'GPU' : 'CPU'} ...`);
  const engine = isOnGpu ? ({ name, device: 'cuda' } as const) : ({ name: 'tensorflow', device: 'cpu' } as const);
  const { ok, detail } = await probeEngine(engine, { task: PROBE_TASK, threads: 1, binding: built });
  if (!ok) throw new TrainingError('ENGINE_UNAVAILABLE', `the binding was built but does not work: ${detail}`);
  if (name === 'tensorflow-gpu' && !hasGpu) log('there is no NVIDIA driver on this machine: the GPU was not tried');
}
