/** Golden cases of rules that count connections and what they transfer. */

import { TCP_ACK, TCP_RST } from '../../../codecs/layouts.js';
import type { Output } from '../router.js';
import type { Shot, Stage } from '../scene.js';
import { type Connection, segment } from '../tcp-scene.js';
import { DOCKER_HOST, HOST, REDIS, WEB_SERVER } from './hosts.js';
import { after, ask, connect, datagram, from, type GoldenStory, hangUp, knock } from './story.js';

const FOLDER = 'test/golden/counts';
const CLIENT = '203.0.113.66';
const NEIGHBOUR = '203.0.113.67';
const OTHER = '198.51.100.9';

type Telling<T = void> = Generator<Shot, T, Output[]>;

/** What is told of, with MS before each packet, so that none shares the kernel's clock tick with another. */
function* apart<T>(ms: number, told: Telling<T>): Telling<T> {
  let next = told.next();
  while (!next.done) next = told.next(yield { ...next.value, afterMs: ms + (next.value.afterMs ?? 0) });
  return next.value;
}

const rules = (count: number, rule: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => `${rule(n)}\n`).join('');

const reset = (connection: Connection): Telling<boolean> => segment(connection, connection.client, TCP_RST | TCP_ACK);

const connectionLimit: GoldenStory = {
  name: 'connection-limit',
  folder: FOLDER,
  isPaced: true,
  protects: 'connlimit over time: two SSH connections from each network, more when some are closed',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${rules(6, (n) => `-A INPUT -m connlimit --connlimit-above ${n} --connlimit-mask 32 --connlimit-saddr`)}\
${rules(4, (n) => `-A INPUT -m connlimit --connlimit-upto ${n} --connlimit-mask 8 --connlimit-saddr`)}\
${rules(4, (n) => `-A OUTPUT -m connlimit --connlimit-above ${n} --connlimit-mask 32 --connlimit-daddr`)}\
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 2 --connlimit-mask 24 \
--connlimit-saddr -j REJECT --reject-with tcp-reset
COMMIT
`,
  *tell(stage) {
    yield* apart(20, limitedConnections(stage));
  },
};

function* limitedConnections(stage: Stage): Telling {
  const to = (address: string, port: number) => from('eth0', address, port, HOST, 22);
  const first = yield* connect(stage, to(CLIENT, 40_001));
  const second = yield* connect(stage, to(NEIGHBOUR, 40_002));
  // Too many of this network, and none of another.
  for (const port of [40_003, 40_004, 40_003]) yield* knock(stage, to(CLIENT, port));
  const third = yield* connect(stage, to(OTHER, 40_005));
  yield* ask(first, 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
  yield* hangUp(first);
  yield* reset(second);
  const fourth = yield* connect(stage, to(CLIENT, 40_006));
  yield* knock(stage, to(CLIENT, 40_007));
  yield* knock(stage, to(CLIENT, 40_008));
  for (let i = 0; i < 3; i++) yield* datagram(stage, from('eth0', CLIENT, 41_000 + i, HOST, 53), 'question');
  // What nobody answered is still there a second later.
  yield* after(1000, knock(stage, to(NEIGHBOUR, 40_009)));
  yield* hangUp(third);
  yield* reset(fourth);
  yield* knock(stage, to(OTHER, 40_010));
}

const BYTES = '-m connbytes --connbytes';

const longDownloads: GoldenStory = {
  name: 'long-downloads',
  folder: FOLDER,
  protects: 'connbytes: what a connection has transferred, either way or both, marks it, and ends it in the end',
  host: DOCKER_HOST,
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING ${BYTES} 500:1500 --connbytes-mode bytes --connbytes-dir both
-A FORWARD ${BYTES} 1000 --connbytes-mode bytes --connbytes-dir both -j CONNMARK --set-xmark 0x7/0xffffffff
-A FORWARD -m connmark --mark 0x7
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD ${BYTES} 0:5 --connbytes-mode packets --connbytes-dir original
-A FORWARD -m connbytes ! --connbytes 2:4 --connbytes-mode packets --connbytes-dir reply
-A FORWARD ${BYTES} 100:300 --connbytes-mode avgpkt --connbytes-dir both
-A FORWARD ${BYTES} 0:0 --connbytes-mode avgpkt --connbytes-dir reply
-A FORWARD ${BYTES} 400 --connbytes-mode avgpkt --connbytes-dir reply
-A FORWARD ${BYTES} 14 --connbytes-mode packets --connbytes-dir both -j DROP
COMMIT
`,
  *tell(stage) {
    const download = yield* connect(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 80));
    for (let i = 0; i < 5; i++) yield* ask(download, 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(700));
    yield* hangUp(download);
    const short = yield* connect(stage, from('docker0', REDIS, 40_002, WEB_SERVER, 80));
    yield* ask(short, 'GET / HTTP/1.1\r\n\r\n', 'short');
    yield* hangUp(short);
    for (let i = 0; i < 16; i++)
      yield* datagram(stage, from('docker0', REDIS, 40_003, WEB_SERVER, 53), 'x'.repeat(i * 20));
  },
};

export const COUNT_STORIES: readonly GoldenStory[] = [connectionLimit, longDownloads];
