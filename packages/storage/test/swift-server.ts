/**
 * OpenStack Swift with its s3api, from Debian's packages (`apt-get install swift-proxy swift-account swift-container swift-object
 * memcached`): one replica, on 127.0.0.1, in a folder of its own, as the user who runs the test. It takes seconds to start.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeBucket, type S3Server } from './s3-server.js';

const PROGRAMS = ['swift-proxy-server', 'swift-object-server', 'swift-ring-builder', 'memcached'] as const;
const STORES = ['account', 'container', 'object'] as const;
const START_MS = 120_000;
const POLL_MS = 200;
const KEYS = { AWS_ACCESS_KEY_ID: 'test:tester', AWS_SECRET_ACCESS_KEY: 'testing' };

/** Which of its programs is not here; undefined if all are. */
export function missingOfSwift(): string | undefined {
  const missing = PROGRAMS.find((name) => spawnSync('which', [name]).status !== 0);
  return missing && `there is no ${missing}: install Debian's swift-proxy, -account, -container, -object and memcached`;
}

/** Starts it with one bucket. */
export async function startSwift(bucket: string): Promise<S3Server> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-swift-'));
  const ports = await freePorts(5);
  const [memcached = 0, proxy = 0] = ports;
  await mkdir(path.join(folder, 'srv', 'd1'), { recursive: true });
  await writeFile(path.join(folder, 'swift.conf'), SWIFT_CONF);
  const commands: string[][] = [['memcached', '-l', '127.0.0.1', '-p', String(memcached), '-u', userInfo().username]];
  for (const [index, store] of STORES.entries()) {
    const port = ports[2 + index]!;
    const file = path.join(folder, `${store}.conf`);
    await writeFile(file, storeConf({ folder, store, port }));
    for (const step of [['create', '6', '1', '1'], ['add', `r1z1-127.0.0.1:${port}/d1`, '1'], ['rebalance']]) {
      spawnSync('swift-ring-builder', [path.join(folder, `${store}.builder`), ...step]);
    }
    commands.push([`swift-${store}-server`, file]);
  }
  await writeFile(path.join(folder, 'proxy.conf'), proxyConf({ folder, port: proxy, memcached }));
  commands.push(['swift-proxy-server', path.join(folder, 'proxy.conf')]);
  const children = commands.map(([command = '', ...args]) => spawn(command, args, { stdio: 'ignore' }));
  const gone = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  const endpoint = `http://127.0.0.1:${proxy}`;
  const server = {
    endpoint,
    env: { ...KEYS, AWS_ENDPOINT_URL_S3: endpoint },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(gone);
      await rm(folder, { recursive: true, force: true });
    },
  };
  const lateMs = Date.now() + START_MS;
  for (;;) {
    try {
      await makeBucket(server.env, bucket);
      return server;
    } catch (caught) {
      if (Date.now() < lateMs) await delay(POLL_MS);
      else {
        await server[Symbol.asyncDispose]();
        throw new Error(`Swift is not ready after ${START_MS} ms`, { cause: caught });
      }
    }
  }
}

const SWIFT_CONF = `[swift-hash]
swift_hash_path_prefix = facet
swift_hash_path_suffix = facet
[storage-policy:0]
name = one
default = yes
`;

function storeConf({ folder, store, port }: { folder: string; store: string; port: number }): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
devices = ${folder}/srv
mount_check = false
swift_dir = ${folder}
recon_cache_path = ${folder}
user = ${userInfo().username}
workers = 0
[pipeline:main]
pipeline = ${store}-server
[app:${store}-server]
use = egg:swift#${store}
auto_create_account_prefix = .
`;
}

function proxyConf({ folder, port, memcached }: { folder: string; port: number; memcached: number }): string {
  const filters = ['catch_errors', 'listing_formats', 's3api', 'copy', 'slo', 'dlo'].map((name) => {
    const more = name === 's3api' ? 's3_acl = false\nlocation = us-east-1\n' : '';
    return `[filter:${name}]\nuse = egg:swift#${name}\n${more}`;
  });
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
swift_dir = ${folder}
user = ${userInfo().username}
workers = 0
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
${filters.join('')}`;
}

/** Swift cannot say which port it took. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const listening = servers.map((server) => new Promise((resolve) => server.once('listening', resolve)));
  await Promise.all(listening);
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
