/**
 * Finds TensorFlow's binding on this machine: a stock npm package beside Facet, else Facet's own build in the cache. Both have
 * the same layout: `dist/` with the kernels, `lib/napi-vN/tfjs_binding.node`. Only looks; loading is backend.ts.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { TrainingError, type EngineWish } from '@facet/shared';
import {
  installCommand,
  INSTALL_RECORD,
  installedFolder,
  STOCK_PACKAGES,
  type TensorflowEngineName,
} from './tensorflow-release.js';

/**
 * The folder of an engine's binding.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE with the places that were tried and the command that installs it.
 */
export function findBindingFolder(
  name: TensorflowEngineName,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const tried: string[] = [];
  const stock = stockFolder(STOCK_PACKAGES[name]);
  if (stock === undefined) tried.push(`the package ${STOCK_PACKAGES[name]} is not installed`);
  else if (bindingFile(stock) === undefined) tried.push(`${stock} holds no built binding`);
  else return stock;

  const installed = installedFolder(name, env);
  if (existsSync(join(installed, INSTALL_RECORD))) return installed;
  tried.push(`there is no ${installed}`);
  throw new TrainingError(
    'ENGINE_UNAVAILABLE',
    `the engine ${name} is not installed: ${tried.join('; ')}. Run \`${installCommand(name)}\`, or use another engine`,
  );
}

/**
 * Refuses an engine whose binding is not on this machine, before anything is started for it. Every other name passes.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE as `findBindingFolder` does.
 */
export function requireInstalled(
  name: EngineWish['name'] | undefined,
  env: Readonly<Record<string, string | undefined>>,
): void {
  if (name === 'tensorflow' || name === 'tensorflow-gpu') findBindingFolder(name, env);
}

function stockFolder(packageName: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${packageName}/package.json`));
  } catch {
    return undefined;
  }
}

/** The add-on in a binding's folder, for the highest Node-API version that this Node has; undefined when there is none. */
export function bindingFile(folder: string): string | undefined {
  const supported = Number(process.versions.napi);
  const lib = join(folder, 'lib');
  const versions = (existsSync(lib) ? readdirSync(lib) : [])
    .flatMap((name) => /^napi-v(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((version) => version <= supported)
    .sort((a, b) => b - a);
  return versions.map((version) => join(lib, `napi-v${version}`, 'tfjs_binding.node')).find((file) => existsSync(file));
}

/** Where a binding's CUDA libraries lie, as a value for LD_LIBRARY_PATH; empty when it has none of its own. */
export function cudaLibraryPath(folder: string): string {
  const nvidia = join(folder, 'nvidia');
  const parts = existsSync(nvidia) ? readdirSync(nvidia).sort() : [];
  return parts
    .map((part) => join(nvidia, part, 'lib'))
    .filter((lib) => existsSync(lib))
    .join(delimiter);
}
