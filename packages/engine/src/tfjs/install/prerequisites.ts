/**
 * The programs that a machine needs before TensorFlow's binding can be built on it. All missing ones are reported at once,
 * each with the package that contains it.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TrainingError } from '@facet/shared';
import { runCommand } from './command.js';

/** A program that is not there, and how to get it. */
export interface MissingProgram {
  /** What it is and how it was looked for. */
  readonly what: string;
  /** The Debian and Ubuntu package that holds it. */
  readonly aptPackage: string;
}

/** The programs that the installation runs. */
export interface Toolchain {
  readonly python: string;
  readonly compiler: string;
  /** Node's own headers; undefined when they are not beside it, and are fetched. */
  readonly nodeHeaders: string | undefined;
}

export interface ToolchainOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The Python to use; else FACET_PYTHON, else python3. */
  readonly python?: string | undefined;
  readonly folder: string;
  readonly signal?: AbortSignal;
}

const PROBE_TIMEOUT_MS = 30_000;

/**
 * Finds the programs that the installation needs, by running each.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE that names all that are missing.
 */
export async function findToolchain({ env, python: asked, folder, signal }: ToolchainOptions): Promise<Toolchain> {
  requirePlatform(process.platform, process.arch);
  const python = asked ?? (env.FACET_PYTHON || 'python3');
  const compiler = env.CXX || 'g++';
  const options = { folder, env, timeoutMs: PROBE_TIMEOUT_MS, ...(signal && { signal }) };
  const works = (command: string, args: readonly string[]): Promise<boolean> =>
    runCommand(command, args, options).then(
      () => true,
      (error: unknown) => {
        if (signal?.aborted) throw error;
        return false;
      },
    );
  const missing: MissingProgram[] = [];
  if (!(await works(python, ['--version']))) {
    missing.push({
      what: `Python 3 (\`${python}\`; FACET_PYTHON or --python names another)`,
      aptPackage: 'python3-pip',
    });
  } else if (!(await works(python, ['-m', 'pip', '--version']))) {
    missing.push({ what: `pip (\`${python} -m pip\`)`, aptPackage: 'python3-pip' });
  }
  if (!(await works(compiler, ['--version']))) {
    missing.push({ what: `a C++ compiler (\`${compiler}\`; CXX names another)`, aptPackage: 'g++' });
  }
  if (!(await works('npm', ['--version']))) missing.push({ what: 'npm (`npm`)', aptPackage: 'npm' });
  if (!(await works('tar', ['--version']))) missing.push({ what: 'tar (`tar`)', aptPackage: 'tar' });
  if (missing.length > 0) throw new TrainingError('ENGINE_UNAVAILABLE', describeMissing(missing));
  return { python, compiler, nodeHeaders: findNodeHeaders(process.execPath) };
}

/** One message for everything that is missing. */
export function describeMissing(missing: readonly MissingProgram[]): string {
  const packages = [...new Set(missing.map(({ aptPackage }) => aptPackage))].sort();
  return `building TensorFlow's binding needs ${missing.map(({ what }) => what).join(', ')}, which ${
    missing.length === 1 ? 'does' : 'do'
  } not work here. Debian, Ubuntu: \`apt-get install ${packages.join(' ')}\``;
}

/**
 * Refuses systems for which there is no wheel whose libraries the binding can be linked with.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE
 */
export function requirePlatform(platform: string, arch: string): void {
  if (platform === 'linux' && arch === 'x64') return;
  throw new TrainingError(
    'ENGINE_UNAVAILABLE',
    `TensorFlow's binding is built for linux-x64 only, this is ${platform}-${arch}. ` +
      'Install @tensorflow/tfjs-node with its own install script beside Facet, or use another engine',
  );
}

/** The include folder of a Node installation (PREFIX/bin/node has PREFIX/include/node), when it is complete. */
function findNodeHeaders(node: string): string | undefined {
  const folder = join(dirname(dirname(node)), 'include', 'node');
  return existsSync(join(folder, 'node_api.h')) ? folder : undefined;
}
