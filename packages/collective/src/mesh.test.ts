import { readdirSync, readlinkSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMeshFixture, meshOptions, reduceOnAll, RUN, TRANSPORTS } from '../test/mesh-world.js';
import { openMesh } from './mesh.js';

const fixture = createMeshFixture();
const { startServers, openWorld } = fixture;

afterEach(() => {
  fixture.close();
});

/** A tick of the event loop, so often. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the mesh', () => {
  const sizes = { length: 60_001, microBatches: 3 };

  it.each([
    ...TRANSPORTS.map((transport) => [transport, 'fp32', 4] as const),
    ['auto', 'int8', 1] as const,
    ['tcp', 'bf16', 2] as const,
    ['grpc', 'fp16', 2] as const,
  ])(
    'reduces over %s in %s to the bits of a single rank, also when one of them is slow',
    async (transport, format, bytesPerValue) => {
      const alone = await openWorld(await startServers(1), { ...sizes, format });
      const [expected] = await Promise.all(reduceOnAll(alone.meshes, 1, sizes));
      for (const worldSize of [2, 3]) {
        const servers = await startServers(worldSize);
        const slow = servers.at(-1)!;
        const { meshes } = await openWorld(servers, {
          ...sizes,
          transport,
          format,
          ofRank: (rank) => (servers[rank] === slow ? { server: slowed(slow) } : {}),
        });
        for (const result of await Promise.all(reduceOnAll(meshes, 1, sizes)))
          expect(Buffer.from(result.buffer).equals(Buffer.from(expected!.buffer))).toBe(true);
        const [again, ...others] = await Promise.all(reduceOnAll(meshes, 2, sizes));
        for (const result of others) expect(result).toEqual(again);
        expect(meshes[0]!.allReduce.bytesSent).toBeGreaterThan(2 * sizes.length * bytesPerValue);
      }
    },
  );
});

/** A server whose outlets take their time. */
function slowed(server: Awaited<ReturnType<typeof startServers>>[number]): typeof server {
  return {
    ...server,
    async outlet(...args) {
      const outlet = await server.outlet(...args);
      return {
        way: outlet.way,
        async send(header, values) {
          await turns(20);
          await outlet.send(header, values);
          await turns(20);
        },
      };
    },
  };
}

describe('a mesh that is closed', () => {
  it.each(TRANSPORTS)('is kept by nobody, nor are its buffers (%s)', async (transport) => {
    const sizes = { length: 60_001, microBatches: 3, transport };
    const leaving = new AbortController();
    const used = await (async () => {
      const ofRank = () => ({ signal: leaving.signal });
      const { meshes } = await openWorld(await startServers(2), { ...sizes, ofRank });
      await Promise.all(reduceOnAll(meshes, 1, sizes));
      return meshes.map(({ allReduce }) => new WeakRef(allReduce));
    })();
    fixture.close();
    const collectGarbage = exposedGc();
    const isGone = (): boolean => {
      collectGarbage();
      return used.every((mesh) => mesh.deref() === undefined);
    };
    await vi.waitUntil(isGone, 10_000);
    expect(leaving.signal.aborted).toBe(false);
  });
});

/** The garbage collector, which Node hides. */
function exposedGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Memory shared with peers that this process has open. */
function sharedMemories(): number {
  const target = (fd: string): string => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // Closed since it was listed.
    }
  };
  return readdirSync('/proc/self/fd').filter((fd) => target(fd).startsWith('/dev/shm/facet-')).length;
}

describe.runIf(process.platform === 'linux')('workers of one host', () => {
  const sizes = { length: 60_001, microBatches: 3 };

  it('share memory, unless they are told not to, and give it back', async () => {
    for (const transport of ['auto', 'unix'] as const) {
      const { meshes } = await openWorld(await startServers(3), { ...sizes, transport });
      await Promise.all(reduceOnAll(meshes, 1, sizes));
      expect(meshes[0]!.ways).toEqual(transport === 'auto' ? { memory: 2 } : { unix: 2 });
      // Six ways, each with two ends.
      expect(sharedMemories()).toBe(transport === 'auto' ? 12 : 0);
      fixture.close();
      await vi.waitUntil(() => sharedMemories() === 0);
    }
  });
});

describe('a mesh of groups', () => {
  const sizes = { length: 60_001, microBatches: 13 };

  it.each(['fp32', 'bf16', 'int8'] as const)(
    'connects to its group and to its place in the others, and reduces in %s to the bits of a single rank',
    async (format) => {
      const alone = await openWorld(await startServers(1), { ...sizes, format });
      const [expected] = await Promise.all(reduceOnAll(alone.meshes, 1, sizes));
      const { meshes } = await openWorld(await startServers(6), { ...sizes, format, groupSize: 3 });
      expect(meshes[4]!.allReduce.peers).toEqual([3, 5, 1]);
      for (const result of await Promise.all(reduceOnAll(meshes, 1, sizes))) expect(result).toEqual(expected);
    },
  );
});

describe('forming a world', () => {
  const sizes = { length: 8, microBatches: 2 };

  it('says which peer does not answer', async () => {
    const servers = await startServers(2);
    const options = meshOptions(servers, 0, sizes);
    servers[1]!.close();
    await expect(openMesh(options)).rejects.toThrow(/cannot pull from rank 1 \(worker-1\) at 127\.0\.0\.1/);
  });

  it('says which peer never pulls', async () => {
    const servers = await startServers(3);
    const attempts = [0, 1].map((rank) =>
      openMesh({ ...meshOptions(servers, rank, sizes), timeoutMs: 100 * (rank + 1) }),
    );
    const [first] = await Promise.allSettled(attempts);
    // On a busy machine others may not have come yet either.
    expect(String((first as PromiseRejectedResult).reason)).toMatch(
      /rank 0 \(worker-0\) waited 100 ms for its peers in generation 1; did not answer: .*; did not come: .*rank 2 \(worker-2\)/,
    );
  });

  it.each(TRANSPORTS)('fails at once over %s when a peer that had come is gone again', async (transport) => {
    const servers = await startServers(3);
    const leaving = new AbortController();
    const [first, second] = [0, 1].map((rank) =>
      openMesh({ ...meshOptions(servers, rank, { ...sizes, transport }), signal: leaving.signal }),
    );
    const results = Promise.allSettled([first, second]);
    await turns(100);
    leaving.abort(new Error('told to leave'));
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('refuses pulls of another run and of a generation that is over', async () => {
    const servers = await startServers(2);
    servers[0]!.closeThrough(4);
    const attempt = (run: string, generation: number) =>
      openMesh({ ...meshOptions(servers, 1, { ...sizes, generation }), run });
    await expect(attempt(RUN, 4)).rejects.toThrow(/generation 4 is over, 5 or later is next/);
    await expect(attempt('another', 5)).rejects.toThrow(/run another was asked for, this worker trains mesh-test/);
  });
});
