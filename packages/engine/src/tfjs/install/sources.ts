/**
 * The parts of the installation, and how they are fetched by the ordinary clients: pip for TensorFlow's libraries and headers,
 * npm for the binding's source. Nothing that is fetched is run here. Install scripts are never run.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TrainingError } from '@facet/shared';
import { TENSORFLOW_VERSION, TFJS_NODE_VERSION } from '../tensorflow-release.js';
import { runCommand, type CommandOptions } from './command.js';

/** An npm package at a version with the integrity that its registry states. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

export const TFJS_NODE: NpmPackage = {
  name: '@tensorflow/tfjs-node',
  version: TFJS_NODE_VERSION,
  integrity: 'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
};

/** Node-API's headers, for a Node without its own; the interface is stable, so any Node runs what is built with them. */
export const NODE_API_HEADERS: NpmPackage = {
  name: 'node-api-headers',
  version: '1.5.0',
  integrity: 'sha512-Yi/FgnN8IU/Cd6KeLxyHkylBUvDTsSScT0Tna2zTrz8klmc8qF2ppj6Q1LHsmOueJWhigQwR4cO2p0XBGW5IaQ==',
};

/** Fetched for one Python version, whatever Python runs pip: only the libraries inside matter, and their hash is known. */
const WHEEL_PYTHON = '3.11';

/** SHA-256 of wheels that were built with and tested, by file name; another one is trusted as far as pip trusts its index. */
const PINNED_WHEELS: Readonly<Record<string, string>> = {
  [`tensorflow_cpu-${TENSORFLOW_VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`]:
    '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

/** Hundreds of megabytes, with CUDA gigabytes, on any line. */
const DOWNLOAD_TIMEOUT_MS = 3_600_000;
const UNPACK_TIMEOUT_MS = 600_000;

export interface FetchContext extends Omit<CommandOptions, 'timeoutMs' | 'onLine'> {
  readonly python: string;
  readonly log: (line: string) => void;
}

/** A file that pip downloaded. */
export interface Wheel {
  readonly file: string;
  readonly sha256: string;
}

/** Downloads wheels without what they depend on, and hashes them. `requirements` are in pip's words. */
export async function downloadWheels(requirements: readonly string[], context: FetchContext): Promise<Wheel[]> {
  const { python, folder, log } = context;
  const wheels = await mkdtemp(join(folder, 'wheels.'));
  const args = ['-m', 'pip', 'download', '--no-deps', '--no-input', '--disable-pip-version-check'];
  args.push('--only-binary=:all:', '--python-version', WHEEL_PYTHON, '--progress-bar', 'off', '--dest', wheels);
  const onLine = (line: string): void => {
    if (/^\s*(Downloading|Processing|Using cached)/.test(line)) log(`pip: ${line.trim()}`);
  };
  await runCommand(python, [...args, ...requirements], { ...context, timeoutMs: DOWNLOAD_TIMEOUT_MS, onLine });
  const found: Wheel[] = [];
  for (const name of (await readdir(wheels)).sort()) {
    const file = join(wheels, name);
    const sha256 = await sha256Of(file);
    const pinned = PINNED_WHEELS[name];
    if (pinned !== undefined && pinned !== sha256) {
      throw new TrainingError('ENGINE_UNAVAILABLE', `SHA-256 of ${name} is ${sha256}, expected ${pinned}; not used`);
    }
    found.push({ file, sha256 });
  }
  return found;
}

/** Unpacks the members of a wheel whose names start with one of the prefixes into a folder. */
const UNPACK_SCRIPT = `
import sys, zipfile
wheel, folder, prefixes = sys.argv[1], sys.argv[2], tuple(sys.argv[3:])
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(folder, [name for name in archive.namelist() if name.startswith(prefixes)])
`;

const METADATA_SCRIPT = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(archive.read(next(n for n in archive.namelist() if n.endswith('.dist-info/METADATA'))).decode())
`;

/** Unpacks what starts with one of the prefixes; a wheel is a zip file, and Python is here anyway. */
export async function unpackWheel(
  { file }: Wheel,
  prefixes: readonly string[],
  folder: string,
  context: FetchContext,
): Promise<void> {
  const args = ['-c', UNPACK_SCRIPT, file, folder, ...prefixes];
  await runCommand(context.python, args, { ...context, timeoutMs: UNPACK_TIMEOUT_MS });
}

/** The CUDA libraries that a TensorFlow wheel asks for, in pip's words. */
export async function cudaRequirements({ file }: Wheel, context: FetchContext): Promise<string[]> {
  const args = ['-c', METADATA_SCRIPT, file];
  const metadata = await runCommand(context.python, args, { ...context, timeoutMs: UNPACK_TIMEOUT_MS });
  return requirementsOfExtra(metadata, 'and-cuda');
}

/** The requirements that a wheel's METADATA lists for one extra and nothing else, without their markers. */
export function requirementsOfExtra(metadata: string, extra: string): string[] {
  const pattern = /^Requires-Dist:\s*([^;]+?)\s*;\s*extra\s*==\s*["']([^"']+)["']\s*$/;
  return metadata.split(/\r?\n/).flatMap((line) => {
    const match = pattern.exec(line);
    return match?.[2] === extra ? [match[1]!] : [];
  });
}

/** Fetches an npm package, checks its integrity and unpacks it into a new folder. */
export async function fetchNpmPackage(wanted: NpmPackage, target: string, context: FetchContext): Promise<void> {
  const { name, version, integrity } = wanted;
  const spec = `${name}@${version}`;
  context.log(`fetching ${spec} (npm pack) ...`);
  const destination = `${target}.tarball`;
  await mkdir(destination);
  const args = ['pack', spec, '--ignore-scripts', '--prefer-offline', '--pack-destination', destination];
  await runCommand('npm', args, { ...context, timeoutMs: DOWNLOAD_TIMEOUT_MS });
  const [tarball] = await readdir(destination);
  const file = join(destination, tarball ?? '');
  const actual = `sha512-${createHash('sha512')
    .update(await readFile(file))
    .digest('base64')}`;
  if (actual !== integrity) {
    throw new TrainingError('ENGINE_UNAVAILABLE', `${spec} has integrity ${actual}, expected ${integrity}; not used`);
  }
  await mkdir(target);
  await runCommand('tar', ['-xzf', file, '-C', target, '--strip-components=1'], {
    ...context,
    timeoutMs: UNPACK_TIMEOUT_MS,
  });
}

/** The SHA-256 of a file, in hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer);
  return hash.digest('hex');
}

/** The name of a wheel's file. */
export function wheelName({ file }: Wheel): string {
  return basename(file);
}
