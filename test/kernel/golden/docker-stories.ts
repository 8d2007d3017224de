/** Golden cases of a Docker host with everyday traffic. */

import { buildIpv4, buildUdp, fragmentsOf, withChecksum } from '../../packets/packets.js';
import { parseIpv4 } from '../address.js';
import { LOCAL } from '../router.js';
import {
  ARTICLE_RULES,
  BRIDGE,
  DOCKER_HOST,
  DOCKER_RULES,
  HOST,
  OUTSIDE,
  REDIS,
  TWO_NETWORKS,
  WEB_SERVER,
} from './hosts.js';
import {
  ask,
  connect,
  datagram,
  deliver,
  from,
  type GoldenStory,
  hangUp,
  knock,
  ping,
  query,
  session,
} from './story.js';

const docker: GoldenStory = {
  name: 'docker',
  protects:
    'a day on a Docker host: a published Redis port, a container that goes out, SSH to the host, and what is refused',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* ask(redis, '*1\r\n$4\r\nPING\r\n', '+PONG\r\n');
    const web = yield* connect(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443));
    yield* query(stage, from('docker0', REDIS, 41_053, '192.0.2.53', 53), 'www.example.org?', '198.51.100.5');
    yield* ask(redis, '*2\r\n$3\r\nGET\r\n$1\r\nx\r\n', '$2\r\n42\r\n');
    yield* ask(web, 'GET / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nhello');
    const ssh = yield* connect(stage, from('eth0', OUTSIDE, 50_000, HOST, 22));
    yield* ask(ssh, 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
    yield* ping(stage, from('docker0', REDIS, 77, '192.0.2.1', 0));
    yield* ping(stage, from('eth0', OUTSIDE, 78, HOST, 0));
    yield* knock(stage, from('eth0', OUTSIDE, 50_001, HOST, 8081));
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, REDIS, 80));
    yield* hangUp(redis);
    yield* hangUp(web);
  },
};

const article: GoldenStory = {
  name: 'article',
  protects:
    'the host of the article that this project started from: a published port, containers that go out, two networks',
  host: TWO_NETWORKS,
  rules: ARTICLE_RULES,
  *tell(stage) {
    yield* session(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
    yield* session(stage, from('docker0', '172.17.0.4', 40_001, WEB_SERVER, 80), 'GET /\r\n', 'hello\r\n');
    yield* session(stage, from(BRIDGE, '172.18.0.2', 40_002, WEB_SERVER, 80), 'GET /\r\n', 'hello\r\n');
    yield* knock(stage, from(BRIDGE, '172.18.0.2', 40_003, REDIS, 6379));
    yield* knock(stage, from('docker0', REDIS, 40_004, '172.18.0.2', 80));
    yield* knock(stage, from('docker0', '172.17.0.4', 40_005, REDIS, 6379));
    yield* knock(stage, from(BRIDGE, '172.18.0.2', 40_006, '172.18.0.3', 80));
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, REDIS, 80));
    yield* session(stage, from(LOCAL, HOST, 45_000, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
    yield* knock(stage, from('eth0', OUTSIDE, 50_003, HOST, 46_379));
    yield* connect(stage, from('eth0', OUTSIDE, 50_000, HOST, 22));
  },
};

const publishedPort: GoldenStory = {
  name: 'published-port',
  protects: 'DNAT of a published port from outside: both directions, retransmissions, the close',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    const first = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    const second = yield* connect(stage, from('eth0', '203.0.113.8', 51_515, HOST, 36_379));
    yield* ask(first, 'PING\r\n', '+PONG\r\n');
    first.client.next -= 'PING\r\n'.length;
    yield* ask(first, 'PING\r\n', '+PONG\r\n');
    yield* ask(second, 'x'.repeat(1400), 'y'.repeat(1460));
    yield* hangUp(second);
    yield* hangUp(first);
    yield* knock(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
  },
};

const outwards: GoldenStory = {
  name: 'container-outwards',
  protects: 'MASQUERADE of containers that go out, with the source port kept where it is free',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443), 'hello', 'welcome');
    yield* session(stage, from('docker0', '172.17.0.4', 40_000, WEB_SERVER, 80), 'hello', 'welcome');
    yield* session(stage, from('docker0', '172.17.0.4', 600, WEB_SERVER, 514), 'hello', 'welcome');
    yield* knock(stage, from('docker0', REDIS, 40_001, '192.0.2.77', 25));
  },
};

const hairpin: GoldenStory = {
  name: 'hairpin',
  protects: 'a container that reaches its own published port through the host (userland-proxy=false)',
  host: DOCKER_HOST,
  rules: DOCKER_RULES.replace('-A DOCKER -i docker0 -j RETURN\n', '').replace(
    '-A DOCKER ! -i docker0 -p',
    '-A DOCKER -p',
  ),
  *tell(stage) {
    yield* session(stage, from('docker0', REDIS, 40_000, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
    yield* session(stage, from('docker0', '172.17.0.4', 40_000, '172.17.0.1', 36_379), 'PING\r\n', '+PONG\r\n');
  },
};

const containerToContainer: GoldenStory = {
  name: 'container-to-container',
  protects: 'containers of one bridge that reach each other through the host, untranslated',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(stage, from('docker0', '172.17.0.4', 40_000, REDIS, 6379), 'PING\r\n', '+PONG\r\n');
    yield* query(stage, from('docker0', '172.17.0.4', 40_001, '172.17.0.5', 53), 'who?', 'me');
    yield* ping(stage, from('docker0', '172.17.0.5', 3, REDIS, 0));
  },
};

const hostToPublished: GoldenStory = {
  name: 'host-to-published-port',
  protects: "the host's own connection to a published port: DNAT in OUTPUT, and the new route that follows",
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(stage, from(LOCAL, HOST, 45_000, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
    yield* session(stage, from(LOCAL, '172.17.0.1', 45_001, REDIS, 6379), 'PING\r\n', '+PONG\r\n');
    yield* knock(stage, from(LOCAL, '127.0.0.1', 45_002, '127.0.0.1', 36_379));
  },
};

const ssh: GoldenStory = {
  name: 'ssh-to-host',
  protects: 'a connection to the host itself: INPUT, OUTPUT, and state NEW and ESTABLISHED in between',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    yield* session(stage, from('eth0', OUTSIDE, 50_000, HOST, 22), 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
    yield* session(stage, from('docker0', REDIS, 50_000, '172.17.0.1', 22), 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
  },
};

const isolated: GoldenStory = {
  name: 'isolated-network',
  protects: 'DOCKER-ISOLATION in two stages: two bridges that do not reach each other, but the world',
  host: TWO_NETWORKS,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A FORWARD -o ${BRIDGE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o ${BRIDGE} -j DOCKER
-A FORWARD -i ${BRIDGE} ! -o ${BRIDGE} -j ACCEPT
-A FORWARD -i ${BRIDGE} -o ${BRIDGE} -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -i ${BRIDGE} ! -o ${BRIDGE} -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -o ${BRIDGE} -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
`,
  *tell(stage) {
    yield* knock(stage, from('docker0', REDIS, 40_000, '172.18.0.2', 80));
    yield* knock(stage, from(BRIDGE, '172.18.0.2', 40_001, REDIS, 6379));
    yield* session(stage, from(BRIDGE, '172.18.0.2', 40_002, '172.18.0.3', 80), 'a', 'b');
    yield* session(stage, from('docker0', REDIS, 40_003, WEB_SERVER, 80), 'a', 'b');
    yield* knock(stage, from('eth0', OUTSIDE, 50_000, REDIS, 6379));
    yield* ping(stage, from('docker0', REDIS, 5, '172.18.0.1', 0));
  },
};

const fragments: GoldenStory = {
  name: 'fragments',
  protects: 'fragments of a published UDP port: reassembled for the rules, cut again as they came',
  host: DOCKER_HOST,
  rules: DOCKER_RULES.replaceAll('-p tcp -m tcp --dport 36379', '-p udp -m udp --dport 36379').replaceAll(
    '-p tcp -m tcp --dport 6379',
    '-p udp -m udp --dport 6379',
  ),
  *tell(stage) {
    const side = from('eth0', OUTSIDE, 51_515, HOST, 36_379);
    const { address: source, peerAddress: destination } = side;
    const packet = buildIpv4(
      { source, destination, protocol: 17, id: 99 },
      buildUdp(51_515, 36_379, stage.prng.bytes(2000)),
    );
    const pieces = fragmentsOf(withChecksum(packet), [1480]);
    for (const piece of pieces) yield* deliver(stage, side, piece);
    const backwards = fragmentsOf(packet, [800]).reverse();
    for (const piece of backwards) yield* deliver(stage, side, piece);
    yield* datagram(
      stage,
      { dev: 'docker0', address: parseIpv4(REDIS), port: 6379, peerAddress: source, peerPort: 51_515 },
      'got it',
    );
  },
};

export const DOCKER_STORIES: readonly GoldenStory[] = [
  docker,
  article,
  publishedPort,
  outwards,
  hairpin,
  containerToContainer,
  hostToPublished,
  ssh,
  isolated,
  fragments,
];
