/** Golden cases of how NAT chooses a tuple, and of what it does with errors. */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../../codecs/layouts.js';
import { buildIcmp, buildIpv4 } from '../../packets/packets.js';
import { parseIpv4 } from '../address.js';
import type { Scene, Side, Stage } from '../scene.js';
import { segment } from '../tcp-scene.js';
import { DOCKER_HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import {
  complain,
  connect,
  datagram,
  deliver,
  from,
  type GoldenStory,
  hangUp,
  knock,
  plainConnection,
} from './story.js';

const OTHER = '172.17.0.4';
const THIRD = '172.17.0.5';

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -p tcp -m tcp --dport 8080 -j SNAT --to-source 192.0.2.20:2000
-A POSTROUTING -o eth0 -p tcp -m tcp --dport 8081 -j SNAT --to-source 192.0.2.20-192.0.2.29 --persistent
-A POSTROUTING -o eth0 -p tcp -m tcp --dport 8082 -j SNAT --to-source 192.0.2.20-192.0.2.29
-A POSTROUTING -o eth0 -p udp -m udp --dport 8082 -j SNAT --to-source 192.0.2.20-192.0.2.29
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
`;

export const natChoices: GoldenStory = {
  name: 'nat-choices',
  folder: 'test/golden/protocols',
  protects: 'the only port of a range given up in TIME_WAIT, persistent addresses, and the mapping of a source kept',
  host: DOCKER_HOST,
  rules: RULES,
  *tell(stage) {
    // One port for all: the second client gets it when the first connection is in TIME_WAIT and its own sequence is
    // ahead.
    const first = yield* connect(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 8080));
    const early = plainConnection(stage, from('docker0', OTHER, 40_002, WEB_SERVER, 8080));
    yield* segment(early, early.client, TCP_SYN);
    yield* hangUp(first);
    const behind = plainConnection(stage, from('docker0', THIRD, 40_003, WEB_SERVER, 8080));
    behind.client.next = 10;
    yield* segment(behind, behind.client, TCP_SYN);
    const ahead = plainConnection(stage, from('docker0', OTHER, 40_004, WEB_SERVER, 8080));
    ahead.client.next = 900_000;
    yield* segment(ahead, ahead.client, TCP_SYN);

    // The address follows from the source and, unless persistent, from the destination; a source keeps what it has.
    for (const port of [8081, 8082]) {
      for (const client of [REDIS, OTHER, THIRD]) {
        for (const server of [WEB_SERVER, OUTSIDE, '198.51.100.77']) {
          const one = plainConnection(stage, from('docker0', client, 41_000, server, port));
          yield* segment(one, one.client, TCP_SYN);
          const another = plainConnection(
            stage,
            from('docker0', client, 41_001 + (server === OUTSIDE ? 1 : 0), server, port),
          );
          yield* segment(another, another.client, TCP_SYN);
        }
      }
    }
    for (const server of ['198.51.100.9', '198.51.100.10', '198.51.100.11', '198.51.100.12']) {
      yield* datagram(stage, from('docker0', REDIS, 41_000, server, 8082), 'the same port, another protocol');
    }
  },
};

/** The clients and the server play a connection up to a state. */
const STATES: Readonly<Record<string, (stage: Stage, side: Side) => Scene>> = {
  *SYN_SENT(stage, side) {
    yield* knock(stage, side);
  },
  *SYN_RECV(stage, side) {
    const one = plainConnection(stage, side);
    yield* segment(one, one.client, TCP_SYN);
    yield* segment(one, one.server, TCP_SYN | TCP_ACK);
  },
  *ESTABLISHED(stage, side) {
    yield* connect(stage, side);
  },
  *FIN_WAIT(stage, side) {
    const one = yield* connect(stage, side);
    yield* segment(one, one.client, TCP_FIN | TCP_ACK);
  },
  *CLOSE_WAIT(stage, side) {
    const one = yield* connect(stage, side);
    yield* segment(one, one.client, TCP_FIN | TCP_ACK);
    yield* segment(one, one.server, TCP_ACK);
  },
  *LAST_ACK(stage, side) {
    const one = yield* connect(stage, side);
    yield* segment(one, one.client, TCP_FIN | TCP_ACK);
    yield* segment(one, one.server, TCP_FIN | TCP_ACK);
  },
  *TIME_WAIT(stage, side) {
    yield* hangUp(yield* connect(stage, side));
  },
  *CLOSE(stage, side) {
    const one = yield* connect(stage, side);
    yield* segment(one, one.client, TCP_RST | TCP_ACK);
  },
  *SYN_SENT2(stage, side) {
    const one = plainConnection(stage, side);
    yield* segment(one, one.client, TCP_SYN);
    yield* segment(one, one.server, TCP_SYN);
  },
};

export const onePortByState: GoldenStory = {
  name: 'one-port-by-state',
  folder: 'test/golden/protocols',
  protects: 'the only port of a range, given up in TIME_WAIT and every later state to a SYN whose sequence is ahead',
  host: DOCKER_HOST,
  rules: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -p tcp -m tcp --dport 8000:8099 -j SNAT --to-source 192.0.2.20:2000
-A POSTROUTING -o eth0 -p tcp -m tcp --dport 8100:8199 -j MASQUERADE --to-ports 2000
COMMIT
`,
  *tell(stage) {
    for (const [i, reach] of Object.values(STATES).entries()) {
      for (const port of [8000 + i, 8100 + i, 8050 + i]) {
        yield* reach(stage, from('docker0', REDIS, 40_001, WEB_SERVER, port));
        // Neither a sequence number that is behind, nor one in the middle of a connection, nor the same one.
        for (const [next, flags] of [
          [999, TCP_SYN],
          [900_000, TCP_ACK],
          [1000, TCP_SYN],
        ]) {
          const other = plainConnection(stage, from('docker0', THIRD, 40_002 + (next % 7), WEB_SERVER, port));
          other.client.next = next;
          yield* segment(other, other.client, flags);
        }
        // The smallest that is ahead of a lone SYN, or far ahead.
        const ahead = plainConnection(stage, from('docker0', OTHER, 40_004, WEB_SERVER, port));
        ahead.client.next = port >= 8050 && port < 8100 ? 1001 : 900_000;
        yield* segment(ahead, ahead.client, TCP_SYN);
      }
    }
  },
};

export const errorsAndEnds: GoldenStory = {
  name: 'errors-and-ends',
  folder: 'test/golden/protocols',
  protects:
    'ICMP redirects and errors to somebody else about translated connections; a RST that ends an unanswered one',
  host: DOCKER_HOST,
  rules: RULES,
  *tell(stage) {
    const translated = from('docker0', REDIS, 40_001, WEB_SERVER, 8081);
    const plain = from('docker0', REDIS, 40_002, WEB_SERVER, 9);
    for (const side of [translated, plain]) {
      for (const [type, code] of [
        [5, 1],
        [4, 0],
        [12, 0],
        [3, 3],
      ]) {
        yield* datagram(stage, { ...side, port: side.port + type }, 'out');
        yield* complain(stage, 'eth0', WEB_SERVER, type, code);
        const knocking = plainConnection(stage, { ...side, port: side.port + 100 + type });
        yield* segment(knocking, knocking.client, TCP_SYN);
        yield* complain(stage, 'eth0', WEB_SERVER, type, code);
        // The same error, but to somebody who did not send what it quotes.
        const about = stage.seen[stage.seen.length - 1].packet;
        const misled = buildIpv4(
          { source: parseIpv4(WEB_SERVER), destination: parseIpv4(OTHER), protocol: 1, id: 12 },
          buildIcmp(type, code, 0, 0, about.subarray(0, 48)),
        );
        yield* deliver(stage, { ...from('eth0', WEB_SERVER, 0, OTHER, 0) }, misled);
      }
    }
    // Refused: the entry is gone at once. Refused after an answer: it is closed, but stays.
    const refused = plainConnection(stage, from('docker0', OTHER, 40_010, WEB_SERVER, 8081));
    yield* segment(refused, refused.client, TCP_SYN);
    yield* segment(refused, refused.server, TCP_RST | TCP_ACK);
    const reset = yield* connect(stage, from('docker0', OTHER, 40_011, WEB_SERVER, 8081));
    yield* segment(reset, reset.server, TCP_RST | TCP_ACK);
    const closed = yield* connect(stage, from('docker0', OTHER, 40_012, WEB_SERVER, 8081));
    yield* segment(closed, closed.client, TCP_FIN | TCP_ACK);
    yield* segment(closed, closed.server, TCP_RST);
  },
};
