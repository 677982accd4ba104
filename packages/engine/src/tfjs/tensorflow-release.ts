/** Which TensorFlow the engines `tensorflow` and `tensorflow-gpu` use when Facet builds its binding, and where the result lies. */
import { join } from 'node:path';
import { defaultCacheFolder } from '@facet/datasets';
import { homeFolder } from '@facet/shared';

/** The engines that need TensorFlow's native library. */
export type TensorflowEngineName = 'tensorflow' | 'tensorflow-gpu';

export const TENSORFLOW_VERSION = '2.21.0';
export const TFJS_NODE_VERSION = '4.22.0';

/** The file that makes a folder an installation: written last, read first. */
export const INSTALL_RECORD = 'install.json';

/** The npm packages that hold a binding of their own, for whoever installs them. */
export const STOCK_PACKAGES: Readonly<Record<TensorflowEngineName, string>> = {
  tensorflow: '@tensorflow/tfjs-node',
  'tensorflow-gpu': '@tensorflow/tfjs-node-gpu',
};

/** The command that installs an engine. */
export function installCommand(name: TensorflowEngineName): string {
  return `npx facet engine install tensorflow${name === 'tensorflow-gpu' ? ' --gpu' : ''}`;
}

/** The folder of Facet's own build in the cache; it need not exist. */
export function installedFolder(
  name: TensorflowEngineName,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const cache = defaultCacheFolder({ env, platform: process.platform, home: homeFolder(env) });
  return join(cache, 'engines', `${name}-${TENSORFLOW_VERSION}-${process.platform}-${process.arch}`);
}
