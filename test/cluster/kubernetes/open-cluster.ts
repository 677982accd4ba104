/**
 * A Kubernetes 1.20 of one node: etcd, API server, controller manager, scheduler and kubelet as processes of this machine, with
 * Debian's Docker engine, all in one network namespace. Nothing of it is left at the end but what the cache holds.
 */
import { execFile, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../testkit/facet.js';
import { writeCertificates } from './certificates.js';
import { openDockerEngine } from './docker-engine.js';
import { endChild, openNetworkSpace, type NetworkSpace } from './network-space.js';

const execute = promisify(execFile);
const READY_MS = 120_000;
/** The address of Docker's bridge: the node's own, and that of the cluster's DNS. */
const NODE_ADDRESS = '172.17.0.1';

export interface Cluster extends AsyncDisposable {
  /** Where logs of the cluster's parts are. */
  readonly folder: string;
  readonly space: NetworkSpace;
  readonly environment: NodeJS.ProcessEnv;
  kubectl(...args: readonly string[]): Promise<string>;
  /** The items of a list, such as `json('pods', '-l', 'a=b')`. */
  items<T>(...args: readonly string[]): Promise<readonly T[]>;
  helm(...args: readonly string[]): Promise<string>;
  /** What a server in the cluster answers to GET; undefined when it does not. */
  get(address: string, place: string): Promise<string | undefined>;
}

/** @param cache has kubernetes/bin, tools and docker with the images */
export async function openCluster(cache: string): Promise<Cluster> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-kube-'));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  undo.push(() => unmountBelow(folder));
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return await openIn(folder, { cache, undo, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Opening {
  readonly cache: string;
  /** What is to be done at the end, the last one first. */
  readonly undo: (() => Promise<unknown>)[];
  readonly close: () => Promise<void>;
}

async function openIn(folder: string, { cache, undo, close }: Opening): Promise<Cluster> {
  const space = await openNetworkSpace(folder);
  undo.push(async () => space[Symbol.asyncDispose]());
  const engine = await openDockerEngine({ cache, folder, space });
  undo.push(async () => engine[Symbol.asyncDispose]());
  await writeCertificates(folder);
  const tool = (name: string): string => path.join(cache, 'tools', name);
  const environment = { ...process.env, KUBECONFIG: path.join(folder, 'admin.conf'), HELM_CACHE_HOME: folder };
  const kubectl = (...args: readonly string[]): Promise<string> =>
    space.run([tool('kubectl'), '--cache-dir', folder, ...args], environment);
  const place: Place = { folder, bin: path.join(cache, 'kubernetes', 'bin'), space, dockerSocket: engine.socket };
  startControlPlane(place);
  await until('the API server is ready', () => answers(kubectl('get', '--raw', '/readyz')), READY_MS);
  startControllers(place);
  space.start('door', [process.execPath, path.join(import.meta.dirname, 'cluster-door.mjs'), NODE_ADDRESS, folder]);
  const kubelet = await startKubelet(place);
  // It goes first, so that nobody starts the containers again that the engine ends.
  undo.push(() => endChild(kubelet));
  await until('the node is ready', async () => (await kubectl('get', 'nodes')).includes(' Ready '), READY_MS);
  return {
    folder,
    space,
    environment,
    kubectl,
    async items<T>(...args: readonly string[]) {
      return (JSON.parse(await kubectl('get', ...args, '-o', 'json')) as { items: T[] }).items;
    },
    helm: (...args) => space.run([tool('helm'), ...args], environment),
    get: (address, from) => askDoor(path.join(folder, 'door.sock'), `/${address}${from}`),
    [Symbol.asyncDispose]: close,
  };
}

interface Place {
  readonly folder: string;
  readonly bin: string;
  readonly space: NetworkSpace;
  readonly dockerSocket: string;
}

function startControlPlane({ folder, bin, space }: Place): void {
  const at = (name: string): string => path.join(folder, name);
  space.start('etcd', [
    ...['etcd', '--data-dir', at('etcd'), '--listen-client-urls', 'http://127.0.0.1:2379'],
    ...['--advertise-client-urls', 'http://127.0.0.1:2379', '--listen-peer-urls', 'http://127.0.0.1:2380'],
  ]);
  space.start('apiserver', [
    ...[path.join(bin, 'kube-apiserver'), '--etcd-servers', 'http://127.0.0.1:2379', '--bind-address', '127.0.0.1'],
    ...['--advertise-address', NODE_ADDRESS, '--secure-port', '6443', '--service-cluster-ip-range', '10.96.0.0/16'],
    ...['--tls-cert-file', at('apiserver.crt'), '--tls-private-key-file', at('apiserver.key')],
    ...['--client-ca-file', at('ca.crt'), '--service-account-key-file', at('sa.key')],
    ...['--service-account-signing-key-file', at('sa.key')],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--authorization-mode', 'Node,RBAC'],
    // The names of nodes are in no DNS.
    ...['--kubelet-preferred-address-types', 'InternalIP', '--allow-privileged'],
    ...['--kubelet-client-certificate', at('admin.crt'), '--kubelet-client-key', at('admin.key')],
  ]);
}

function startControllers({ folder, bin, space }: Place): void {
  const at = (name: string): string => path.join(folder, name);
  space.start('manager', [
    ...[path.join(bin, 'kube-controller-manager'), '--kubeconfig', at('manager.conf'), '--leader-elect=false'],
    ...['--service-account-private-key-file', at('sa.key'), '--root-ca-file', at('ca.crt')],
    ...['--use-service-account-credentials', '--cluster-signing-cert-file', at('ca.crt')],
    ...['--cluster-signing-key-file', at('ca.key')],
  ]);
  const scheduler = [path.join(bin, 'kube-scheduler'), '--kubeconfig', at('scheduler.conf'), '--leader-elect=false'];
  space.start('scheduler', scheduler);
}

async function startKubelet({ folder, bin, space, dockerSocket }: Place): Promise<ChildProcess> {
  const at = (name: string): string => path.join(folder, name);
  await mkdir(at('kubelet'));
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: at('ca.crt') },
    },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    clusterDNS: [NODE_ADDRESS],
    clusterDomain: 'cluster.local',
    nodeStatusUpdateFrequency: '2s',
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    // A machine without CAP_SYS_RESOURCE cannot have the million that is the default.
    maxOpenFiles: 20_000,
  };
  await writeFile(at('kubelet.yaml'), JSON.stringify(config));
  return space.start('kubelet', [
    ...['unshare', '--uts', 'sh', '-c', 'hostname node-1; exec "$@"', 'kubelet', path.join(bin, 'kubelet')],
    ...['--config', at('kubelet.yaml'), '--kubeconfig', at('node.conf'), '--root-dir', at('kubelet')],
    ...['--tls-cert-file', at('node.crt'), '--tls-private-key-file', at('node.key')],
    ...['--hostname-override', 'node-1', '--node-ip', NODE_ADDRESS, '--container-runtime', 'docker'],
    ...['--docker-endpoint', `unix://${dockerSocket}`, '--pod-infra-container-image', 'pause:local'],
    ...['--cgroup-root', '/', '--runtime-cgroups', '/'],
  ]);
}

/** A kubelet leaves the secrets of its pods mounted. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((place) => place.startsWith(`${folder}/`)).toReversed()) {
    await execute('umount', ['-l', mount]).catch(() => undefined);
  }
}

function answers(command: Promise<unknown>): Promise<boolean> {
  return command.then(
    () => true,
    () => false,
  );
}

function askDoor(socketPath: string, place: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    http
      .get({ socketPath, path: place }, (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (piece: string) => (text += piece))
          .on('end', () => {
            resolve(response.statusCode === 200 ? text : undefined);
          });
      })
      .on('error', () => {
        resolve(undefined);
      });
  });
}
