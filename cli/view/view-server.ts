/** Serves a report on this machine while it grows: the page, its index, its sections, and word of each new version. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { CliError, ExitCode } from '../errors.js';
import { admitted, type Refusal } from './admission.js';
import type { ServedReport } from './served-report.js';

const require = createRequire(import.meta.url);

/** The only interface that it is served on. */
const ADDRESS = '127.0.0.1';
const TOKEN_BYTES = 24;

/** Proxies and laptops that slept: a stream that says nothing for longer may be dead. */
const KEEP_ALIVE_MS = 15_000;
/** After which time a page asks again for events that have ended. */
const RETRY_MS = 1000;
const MOST_STREAMS = 64;
const MOST_CONNECTIONS = 256;
const HEADERS_TIMEOUT_MS = 10_000;

const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** The page has its own policy, which this one narrows; data is no page at all. */
const PAGE_POLICY = "frame-ancestors 'none'";
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

export interface ViewServerOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** The page as HTML. */
  readonly page: string;
  readonly report: ServedReport;
  /** How often streams of events say that they are alive. */
  readonly keepAliveMs?: number;
}

export class ViewServer {
  readonly #token = randomToken();
  readonly #page: Buffer;
  readonly #report: ServedReport;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #keepAliveMs: number;
  #timer: NodeJS.Timeout | undefined;
  #port = 0;

  private constructor({ page, report, keepAliveMs = KEEP_ALIVE_MS }: ViewServerOptions) {
    this.#page = Buffer.from(page);
    this.#report = report;
    this.#keepAliveMs = keepAliveMs;
    // Loaded here because every start of any command would take longer with an `import`.
    const { createServer }: typeof import('node:http') = require('node:http');
    this.#server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) =>
      this.#serve(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
  }

  /**
   * Resolves with a server that listens.
   * @throws {CliError} if the port is taken, or may not be used
   */
  static async listen(options: ViewServerOptions): Promise<ViewServer> {
    const server = new ViewServer(options);
    await server.#listen(options.port);
    return server;
  }

  /** Where to look. Whoever has it can read the report. */
  get address(): string {
    return `http://${ADDRESS}:${this.#port}/${this.#token}/`;
  }

  /** Tells pages that this is the end, and serves nothing more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const stream of this.#streams) stream.end('event: end\ndata:\n\n');
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // What was just written leaves first.
    setImmediate(() => this.#server.closeAllConnections());
    await closed;
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
      this.#server.listen(port, ADDRESS, resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#report.onUpdate((version) => this.#tell(version));
    this.#timer = setInterval(() => {
      for (const stream of this.#streams) if (!stream.writableNeedDrain) stream.write(':\n\n');
    }, this.#keepAliveMs);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const asked = admitted(request.method, request.url, request.headers, this.#token);
    if (!(asked instanceof URL)) send(response, refused(asked));
    else if (asked.pathname !== '/events') send(response, this.#answer(asked));
    else if (this.#streams.size < MOST_STREAMS) this.#stream(response);
    else send(response, refused({ status: 503, message: 'Too many pages are open; close some.' }));
  }

  #answer({ pathname, searchParams }: URL): Answer {
    const { index, version } = this.#report;
    if (pathname === '/') return { type: 'text/html; charset=utf-8', content: this.#page, policy: PAGE_POLICY };
    if (pathname === '/index') {
      if (index === undefined) return refused({ status: 503, message: 'Nothing has been read yet.' });
      return { type: 'application/json', content: index, more: { 'X-Report-Version': String(version) } };
    }
    const [, name = ''] = /^\/sections\/([\w/]+)$/.exec(pathname) ?? [];
    const wanted = searchParams.get('version');
    const content = this.#report.section(name, wanted === null ? version : Number(wanted));
    if (content === undefined) return refused({ status: 404, message: 'Not found, or no longer kept.' });
    return { type: 'application/octet-stream', content };
  }

  /** Keeps RESPONSE open, for word of each new version. */
  #stream(response: ServerResponse): void {
    response.writeHead(200, {
      ...HEADERS,
      'Content-Security-Policy': DATA_POLICY,
      'Content-Type': 'text/event-stream',
      // Of proxies, which would wait for more.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
    // Whoever takes it up again may have missed some; who reads slowly hears of the newest when there is room.
    response.on('drain', () => response.write(grew(this.#report.version)));
    if (this.#report.version > 0) response.write(grew(this.#report.version));
  }

  #tell(version: number): void {
    for (const stream of this.#streams) if (!stream.writableNeedDrain) stream.write(grew(version));
  }
}

function randomToken(): string {
  const { randomBytes }: typeof import('node:crypto') = require('node:crypto');
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

const grew = (version: number): string => `event: grew\nid: ${version}\ndata: ${version}\n\n`;

interface Answer {
  /** 200 if it is left out. */
  readonly status?: number;
  readonly type: string;
  readonly content: Uint8Array;
  /** Its Content-Security-Policy, if it is no data. */
  readonly policy?: string;
  /** Further headers. */
  readonly more?: Readonly<Record<string, string>>;
}

function refused({ status, message, location }: Refusal): Answer {
  const more = {
    ...(status === 405 ? { Allow: 'GET' } : {}),
    ...(location === undefined ? {} : { Location: location }),
  };
  return { status, type: 'text/plain; charset=utf-8', content: Buffer.from(`${message}\n`), more };
}

function send(response: ServerResponse, { status = 200, type, content, policy = DATA_POLICY, more }: Answer): void {
  response.writeHead(status, {
    ...HEADERS,
    'Content-Security-Policy': policy,
    'Content-Type': type,
    'Content-Length': content.length,
    ...more,
  });
  response.end(content);
}

function listenError({ code, message }: NodeJS.ErrnoException, port: number): CliError {
  const why = code === 'EADDRINUSE' ? 'something else listens there; choose another one, or leave it out' : message;
  return new CliError(ExitCode.FILE, `--port ${port}: ${why}`);
}
