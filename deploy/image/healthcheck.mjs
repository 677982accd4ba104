// The health check of the image: asks the process of this container for /healthz, at the port that the files of deploy/ give
// a coordinator (4301) and a worker (4302). A process listens at one address, so every address of the container is tried.

import { networkInterfaces } from 'node:os';
import http from 'node:http';
import https from 'node:https';

const PORTS = [4301, 4302];
const PATIENCE_MS = 4_000;

const addresses = Object.values(networkInterfaces()).flatMap((ones) => ones.map(({ address }) => address));
const places = addresses.flatMap((address) => PORTS.map((port) => ({ address, port })));
const answers = await Promise.all(places.flatMap((place) => [asks(http, place), asks(https, place)]));
process.exit(answers.includes(true) ? 0 : 1);

/** /healthz is for everybody, and its certificate says nothing about health. */
function asks(protocol, { address, port }) {
  const order = { host: address, port, path: '/healthz', timeout: PATIENCE_MS, rejectUnauthorized: false };
  return new Promise((resolve) => {
    protocol
      .get(order, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('timeout', function () {
        this.destroy();
      })
      .on('error', () => resolve(false));
  });
}
