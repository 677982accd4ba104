/**
 * The requests of S3's REST interface that a store needs: six. aws4fetch signs them. Everything that comes back is judged
 * here, once: what is missing is a value, what may succeed later and what may not are errors.
 */
import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { environmentFetch, TrainingError, type Environment } from '@facet/shared';
import { full, refused, unreachable } from '../store/store-errors.js';
import type { S3Login } from './s3-login.js';

/** Without a byte for so long, a request has failed. */
const SILENCE_MS = 30_000;
const MOST_ERROR_BYTES = 65_536;

/** Codes by which servers say that there is no room. */
const NO_ROOM =
  /QuotaExceeded|StorageFull|InsufficientCapacity|InsufficientStorage|NotEnoughSpace|MaxSizeExceeded|AccountProblem/i;
const WRONG_KEYS = /InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|AuthorizationHeaderMalformed/;
const TRY_LATER = /SlowDown|RequestTimeout|InternalError|ServiceUnavailable|Throttl|TooManyRequests|OperationAborted/;

export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the bucket; empty for the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface S3Response {
  readonly headers: Headers;
  /** Of the body; undefined where the server does not say. */
  readonly bytes: number | undefined;
  readonly pieces: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
}

export class S3Client {
  readonly #login: S3Login;
  readonly #env: Environment;
  readonly #bucket: string;
  readonly #place: string;
  /** How far the server's clock is ahead of ours. */
  #skewMs = 0;

  constructor(login: S3Login, { bucket, env }: { readonly bucket: string; readonly env: Environment }) {
    this.#login = login;
    this.#env = env;
    this.#bucket = bucket;
    this.#place = `s3://${bucket}`;
  }

  /**
   * Sends a request.
   *
   * @returns undefined when the object is not there
   * @throws TrainingError STORE_UNREACHABLE when it may succeed later, STORE_REFUSED when it will not.
   */
  async send(request: S3Request): Promise<S3Response | undefined> {
    const { url, method, headers } = await this.#sign(request);
    const watch = new SilenceWatch();
    let response: Response;
    try {
      const { body } = request;
      const content = body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> };
      const options = { method, headers, signal: watch.signal, ...content };
      response = await environmentFetch(url.href, options, this.#env);
    } catch (caught) {
      watch.stop();
      throw this.#unreachable(caught);
    }
    if (response.ok) return this.#answer(response, watch);
    const text = await readText(response, watch);
    if (response.status === 404 && !text.includes('NoSuchBucket')) return undefined;
    throw this.#judge(request, response, text);
  }

  async #sign({ method, key = '', query = {}, body = new Uint8Array() }: S3Request): Promise<{
    readonly url: URL;
    readonly method: string;
    readonly headers: Headers;
  }> {
    const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = this.#login;
    const path = [this.#bucket, ...(key === '' ? [] : key.split('/'))].map(encodeURIComponent).join('/');
    const url = new URL(`${endpoint}/${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const signer = new AwsV4Signer({
      ...{ method, url: url.href, region, accessKeyId, secretAccessKey, service: 's3' },
      ...(sessionToken !== undefined && { sessionToken }),
      datetime: new Date(Date.now() + this.#skewMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      // The server compares what it received with it.
      headers: { 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') },
    });
    const signed = await signer.sign();
    return { url: signed.url, method: signed.method, headers: signed.headers };
  }

  #answer(response: Response, watch: SilenceWatch): S3Response {
    const length = response.headers.get('content-length');
    const pieces = this.#piecesOf(response, watch);
    return {
      headers: response.headers,
      bytes: length === null ? undefined : Number(length),
      pieces,
      async text() {
        const parts: Uint8Array[] = [];
        for await (const piece of pieces) parts.push(piece);
        return Buffer.concat(parts).toString('utf8');
      },
    };
  }

  async *#piecesOf(response: Response, watch: SilenceWatch): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (response.body === null) return;
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        watch.heard();
        yield piece;
      }
    } catch (caught) {
      throw this.#unreachable(caught);
    } finally {
      watch.stop();
    }
  }

  #judge({ method, key = '' }: S3Request, { status, headers }: Response, text: string): TrainingError {
    const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
    const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? '';
    const reason = `${method} ${key === '' ? 'the bucket' : key}: ${status} ${[code, message].filter(Boolean).join(', ')}`;
    const place = this.#place;
    if (code === 'RequestTimeTooSkewed') {
      // A signature says when it was made. From now on it says so by the server's clock.
      this.#skewMs = Date.parse(headers.get('date') ?? '') - Date.now() || 0;
      return unreachable(
        place,
        `its clock is ${Math.round(this.#skewMs / 1_000)} s ahead of this machine's (${reason})`,
      );
    }
    if (status === 507 || NO_ROOM.test(code)) return full(place, reason);
    if (code === 'NoSuchBucket') return refused(place, reason, 'create the bucket, or name another one');
    if (WRONG_KEYS.test(code)) return refused(place, reason, 'correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
    if (status >= 500 || status === 429 || status === 408 || TRY_LATER.test(code)) return unreachable(place, reason);
    return refused(place, reason, 'give these keys the right to read, write, list and remove objects there');
  }

  #unreachable(caught: unknown): TrainingError {
    if (caught instanceof TrainingError) return caught;
    const { message, cause } = caught as Error;
    const reason = cause instanceof Error ? `${message} (${cause.message})` : message;
    return unreachable(this.#place, `${this.#login.endpoint}: ${reason}`, caught);
  }
}

/** Ends a request that is silent for too long. */
class SilenceWatch {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#controller.abort(new Error(`no answer for ${SILENCE_MS / 1_000} s`));
    }, SILENCE_MS);
  }
}

async function readText(response: Response, watch: SilenceWatch): Promise<string> {
  try {
    return (await response.text()).slice(0, MOST_ERROR_BYTES);
  } catch {
    return '';
  } finally {
    watch.stop();
  }
}
