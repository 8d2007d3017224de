/** Who may read what `nfreplay view` serves, and how it tells of what is new. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reportOf } from '../../cli/error-report.js';
import { ServedReport } from '../../cli/view/served-report.js';
import { ViewServer } from '../../cli/view/view-server.js';

interface Context {
  report: ServedReport;
  server: ViewServer;
  address: URL;
}

const View = suite<Context>('the server of nfreplay view');

const PAGE = '<!doctype html><title>a page</title>';

View.before.each(async (context) => {
  context.report = new ServedReport();
  context.server = await ViewServer.listen({ port: 0, page: PAGE, report: context.report, keepAliveMs: 20 });
  context.address = new URL(context.server.address);
});
View.after.each(({ server }) => server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What is answered to a request for PATH, from the root. */
function ask(
  { address }: Context,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = address;
    const sent = request({ hostname, port, path, headers, method, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The stream of events: the text so far, and its end. */
function listen(
  context: Context,
): Promise<{ text: () => string; until: (part: string) => Promise<void>; end: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const { hostname, port, pathname } = context.address;
    const sent = request({ hostname, port, path: `${pathname}events`, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      const end = new Promise<void>((ended) => response.on('end', ended).on('error', () => ended()));
      const until = async (part: string): Promise<void> => {
        while (!text.includes(part)) await new Promise((again) => setTimeout(again, 5));
      };
      resolve({ text: () => text, until, end });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const update = (packets: number, sections: Record<string, string> = {}) => ({
  index: JSON.stringify({ packets }),
  sections: new Map(Object.entries(sections).map(([name, text]) => [name, Buffer.from(text)])),
});

View('whoever has the address sees the page, nobody else on this machine anything', async (context) => {
  const { address } = context;
  assert.is(address.hostname, '127.0.0.1');
  const page = await ask(context, address.pathname);
  assert.is(page.status, 200);
  assert.is(page.text, PAGE);
  const token = address.pathname.slice(1, -1);
  // 128 bits at least.
  assert.ok(token.length >= 22, token);
  const others = [
    '/',
    '/index',
    '/events',
    `/${token.slice(1)}/`,
    `/${token}x/`,
    `/${'a'.repeat(token.length)}/`,
    `//${token}/`,
  ];
  for (const path of others) {
    const { status, text } = await ask(context, path);
    assert.is(status, 403, path);
    assert.not.match(text, token);
  }
});

View('another server has another token', async (context) => {
  const other = await ViewServer.listen({ port: 0, page: PAGE, report: new ServedReport() });
  assert.is.not(new URL(other.address).pathname, context.address.pathname);
  await other.close();
});

View('names of others that resolve to this machine, and pages of other sites, are refused', async (context) => {
  const { pathname, port } = context.address;
  const refused: Record<string, string>[] = [
    { Host: 'attacker.example' },
    { Host: `attacker.example:${port}` },
    { Host: '127.0.0.1.attacker.example' },
    { Host: '0.0.0.0' },
    { Origin: 'http://attacker.example' },
    { Origin: 'null' },
    { Origin: `https://127.0.0.1:${port}` },
    { Origin: 'http://127.0.0.1:1' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
  ];
  for (const headers of refused) {
    const { status } = await ask(context, pathname, headers);
    assert.is(status, 403, JSON.stringify(headers));
  }
  const taken: Record<string, string>[] = [
    { Host: `localhost:${port}` },
    // Through an SSH tunnel.
    { Host: 'localhost:9000' },
    { Host: '127.0.0.1', Origin: 'http://127.0.0.1' },
    { Host: `127.0.0.1:${port}`, 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' },
    // Typed, or a link that somebody followed.
    { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
  ];
  for (const headers of taken) {
    const { status } = await ask(context, pathname, headers);
    assert.is(status, 200, JSON.stringify(headers));
  }
});

View('there is nothing to do but to look', async (context) => {
  const { pathname } = context.address;
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    const { status, headers } = await ask(context, pathname, {}, method);
    assert.is(status, 405, method);
    assert.is(headers.allow, 'GET');
  }
  for (const path of ['..%2f', '../../', 'sections/', 'sections', 'index/', 'package.json', '%', '%00']) {
    const { status, text } = await ask(context, pathname + path);
    assert.ok(status === 404 || text === PAGE, `${path}: ${status}`);
  }
  const { status, headers } = await ask(context, pathname.slice(0, -1));
  assert.equal([status, headers.location], [307, pathname]);
});

View('answers say how they may be used: by this page alone, and not kept', async (context) => {
  context.report.update(update(1, { '0/packets/0': 'bytes' }));
  const { pathname } = context.address;
  for (const path of ['', 'index', 'sections/0/packets/0', 'nothing']) {
    const { headers } = await ask(context, pathname + path);
    assert.is(headers['cache-control'], 'no-store', path);
    assert.is(headers['x-content-type-options'], 'nosniff', path);
    assert.is(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.is(headers['referrer-policy'], 'no-referrer', path);
    assert.match(String(headers['content-security-policy']), "frame-ancestors 'none'", path);
    assert.is(headers['access-control-allow-origin'], undefined, path);
  }
});

View('an index comes with its version, whose sections are those of the same moment', async (context) => {
  const { report } = context;
  const { pathname } = context.address;
  assert.is((await ask(context, `${pathname}index`)).status, 503);
  report.update(update(1, { '0/packets/0': 'one', '0/rules/0': 'rules' }));
  const first = await ask(context, `${pathname}index`);
  assert.equal([first.text, first.headers['x-report-version']], ['{"packets":1}', '1']);
  report.update(update(2, { '0/packets/0': 'one and two' }));
  const section = async (path: string) => (await ask(context, `${pathname}sections/${path}`)).text;
  assert.is(await section('0/packets/0?version=1'), 'one');
  assert.is(await section('0/packets/0?version=2'), 'one and two');
  assert.is(await section('0/packets/0'), 'one and two');
  assert.is(await section('0/rules/0?version=2'), 'rules');
  for (let packets = 3; packets < 40; packets++) report.update(update(packets));
  const old = await ask(context, `${pathname}sections/0/packets/0?version=1`);
  assert.is(old.status, 404, 'memory is bounded');
  assert.is(await section('0/packets/0?version=39'), 'one and two');
});

View('pages hear of each version, that somebody is still there, and of the end', async (context) => {
  const { report, server } = context;
  const stream = await listen(context);
  report.update(update(1));
  await stream.until('event: grew\nid: 1\n');
  report.update(update(2));
  await stream.until('event: grew\nid: 2\n');
  await stream.until('\n:\n');
  const late = await listen(context);
  await late.until('event: grew\nid: 2\n');
  await server.close();
  await Promise.all([stream.end, late.end]);
  assert.match(stream.text(), 'event: end\n');
  assert.match(late.text(), 'event: end\n');
});

View('a page that does not read costs nothing, and slows nobody down', async (context) => {
  const { report, address } = context;
  const stuck = connect(Number(address.port), address.hostname);
  stuck.write(`GET ${address.pathname}events HTTP/1.1\r\nHost: ${address.host}\r\n\r\n`);
  await new Promise((resolve) => stuck.once('data', resolve));
  stuck.pause();
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 1000; i++) report.update(update(i));
    await new Promise((resolve) => setImmediate(resolve));
  }
  // 200,000 events of 30 bytes would be 6 MB, and what Node keeps with each of them several times as much.
  assert.ok(process.memoryUsage().rss - before < 100e6);
  assert.is((await ask(context, `${address.pathname}index`)).text, '{"packets":999}');
  stuck.destroy();
});

View('a port that is taken is an error that names it', async (context) => {
  const port = Number(context.address.port);
  try {
    await ViewServer.listen({ port, page: PAGE, report: context.report });
    assert.unreachable();
  } catch (error) {
    const { message, exitCode } = reportOf(error);
    assert.match(message, `--port ${port}: something else listens there`);
    assert.is(exitCode, 4);
  }
});

View.run();
