/** Golden cases of rules and sets that change while connections live. */
import { TCP_ACK, TCP_PSH } from '../../../codecs/layouts.js';
import type { Backend } from '../../../core/rules/model.js';
import type { ChangeText } from '../change.js';
import { LOCAL } from '../router.js';
import type { Scene, Stage } from '../scene.js';
import { segment } from '../tcp-scene.js';
import { DOCKER_HOST, DOCKER_RULES, HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { ask, changing, connect, datagram, from, type GoldenStory, knock, ping, query, session } from './story.js';

const FOLDER = 'test/golden/changes';
const ATTACKER = '203.0.113.66';

const commands = (...lines: string[]): ChangeText[] => lines.map((text) => ({ kind: 'command', text }));

/** What the distribution saved before Docker came: only its own INPUT chain, and a closed FORWARD chain. */
const SAVED_RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j REJECT --reject-with icmp-host-prohibited
COMMIT
`;

const STOP = ['filter', 'nat'].flatMap((table) => [`iptables -t ${table} -F`, `iptables -t ${table} -X`]);
const SAVED: ChangeText = { kind: 'rules', text: SAVED_RULES };
const DOCKER_AGAIN: ChangeText = { kind: 'rules', text: DOCKER_RULES };

/** A restart of the iptables service under connections that Docker's rules have let through, then one of Docker. */
function* restart(stage: Stage): Scene {
  const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
  yield* ask(redis, 'PING\r\n', '+PONG\r\n');
  const web = yield* connect(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443));
  yield* query(stage, from('docker0', REDIS, 41_053, '192.0.2.53', 53), 'www?', '198.51.100.5');
  const ssh = yield* connect(stage, from('eth0', OUTSIDE, 50_000, HOST, 22));
  // The service has stopped.
  yield* changing(commands(...STOP), ask(redis, 'PING\r\n', '+PONG\r\n'));
  yield* ask(web, 'GET /\r\n', 'hello\r\n');
  yield* knock(stage, from('eth0', OUTSIDE, 51_516, HOST, 36_379));
  yield* query(stage, from('docker0', REDIS, 41_054, '192.0.2.53', 53), 'www?', '198.51.100.5');
  // It has started again.
  yield* changing([SAVED], ask(redis, 'PING\r\n', '+PONG\r\n'));
  yield* ask(web, 'GET /\r\n', 'hello\r\n');
  yield* ask(ssh, 'ls\r\n', 'README\r\n');
  yield* knock(stage, from('eth0', OUTSIDE, 51_517, HOST, 36_379));
  yield* knock(stage, from('docker0', REDIS, 40_001, WEB_SERVER, 443));
  // So has Docker.
  yield* changing([DOCKER_AGAIN], ask(redis, 'PING\r\n', '+PONG\r\n'));
  yield* ask(web, 'GET /\r\n', 'hello\r\n');
  yield* query(stage, from('docker0', REDIS, 41_054, '192.0.2.53', 53), 'www?', '198.51.100.5');
  yield* session(stage, from('eth0', OUTSIDE, 51_518, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
}

const restarts: readonly GoldenStory[] = (['legacy', 'nft'] as const).map((backend) => ({
  name: `iptables-restart-${backend}`,
  protects:
    backend === 'legacy'
      ? 'a restart of iptables under open connections: legacy still translates them, as its hooks stay'
      : 'a restart of iptables under open connections: nft no longer translates them once its empty chains are deleted',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  backend,
  tell: restart,
}));

const inBoth = (tell: (backend: Backend) => GoldenStory): GoldenStory[] => [tell('legacy'), tell('nft')];

const insertedRules = inBoth((backend) => ({
  name: `rule-in-the-middle-${backend}`,
  folder: FOLDER,
  protects: 'rules that are inserted and deleted in the middle of a transfer: they decide from the next packet on',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  backend,
  *tell(stage) {
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    const { server } = redis;
    const transfer = function* (segments: number): Scene {
      for (let i = 0; i < segments; i++)
        yield* segment(
          redis,
          server,
          TCP_PSH | TCP_ACK,
          Uint8Array.from({ length: 1000 }, (_, at) => at & 255),
        );
    };
    yield* transfer(4);
    yield* changing(commands('iptables -I FORWARD -p tcp --sport 6379 -j DROP'), transfer(2));
    yield* changing(commands('iptables -I FORWARD 2 -m comment --comment "not reached"'), transfer(1));
    yield* changing(commands('iptables -D FORWARD 1'), transfer(3));
    yield* changing(commands('iptables -R FORWARD 1 -m length --length 1040 -j DROP'), transfer(2));
    yield* changing(commands('iptables -R FORWARD 1 -m length --length 1041 -j DROP'), transfer(1));
    yield* changing(commands('iptables -t mangle -A POSTROUTING -o eth0 -j TTL --ttl-set 9'), transfer(3));
    yield* changing(commands('iptables -t mangle -F'), transfer(2));
  },
}));

const policies = inBoth((backend) => ({
  name: `policy-change-${backend}`,
  folder: FOLDER,
  protects: 'policies that become DROP and ACCEPT again, and their counters: legacy sets all of the table to zero',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p tcp -m conntrack --ctstate ESTABLISHED
COMMIT
`,
  backend,
  *tell(stage) {
    const talk = yield* connect(stage, from('eth0', OUTSIDE, 51_515, REDIS, 6379));
    yield* ping(stage, from('eth0', OUTSIDE, 7, HOST, 0));
    yield* changing(commands('iptables -P FORWARD DROP'), ask(talk, 'PING\r\n', '+PONG\r\n'));
    yield* ping(stage, from('eth0', OUTSIDE, 8, HOST, 0));
    yield* changing(commands('iptables -P FORWARD ACCEPT'), ask(talk, 'PING\r\n', '+PONG\r\n'));
    yield* changing(commands('iptables -P OUTPUT DROP'), ping(stage, from(LOCAL, HOST, 9, OUTSIDE, 0)));
  },
}));

const zeroed = inBoth((backend) => ({
  name: `zeroed-counters-${backend}`,
  folder: FOLDER,
  protects: 'iptables -Z in the middle, of a table, a chain and a rule; the counters of rules that stay go on',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:COUNT - [0:0]
-A FORWARD -j COUNT
-A FORWARD -p udp -m statistic --mode nth --every 3 --packet 2 -j DROP
-A FORWARD -p udp
-A COUNT -p udp
-A COUNT -p tcp
COMMIT
`,
  backend,
  *tell(stage) {
    const burst = function* (port: number): Scene {
      for (let i = 0; i < 4; i++) yield* datagram(stage, from('eth0', OUTSIDE, port + i, REDIS, 53), 'x');
    };
    yield* burst(1000);
    yield* changing(commands('iptables -Z FORWARD 2'), burst(1010));
    yield* changing(commands('iptables -Z COUNT'), burst(1020));
    yield* changing(commands('iptables -A INPUT -p tcp'), burst(1030));
    yield* changing(commands('iptables -Z FORWARD'), burst(1040));
    yield* changing(commands('iptables -D FORWARD 3'), burst(1050));
  },
}));

const TCP_PORT = '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379\n';
/** Docker's rules, with the port also published for UDP. */
const NAT_OF_BOTH = DOCKER_RULES.replace(TCP_PORT, `${TCP_PORT}${TCP_PORT.replaceAll('tcp', 'udp')}`);

const natArrives = inBoth((backend) => ({
  name: `nat-table-arrives-${backend}`,
  folder: FOLDER,
  protects: 'connections that are older than the nat table: unreplied ones are asked about and never translated',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
`,
  backend,
  *tell(stage) {
    const asked = from('eth0', OUTSIDE, 1053, HOST, 36_379);
    const outwards = from('docker0', REDIS, 41_053, '192.0.2.53', 53);
    yield* datagram(stage, asked, 'before');
    yield* datagram(stage, outwards, 'before');
    yield* knock(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* query(stage, from('docker0', REDIS, 41_054, '192.0.2.53', 53), 'before', 'answer');
    yield* changing([{ kind: 'rules', text: NAT_OF_BOTH }], datagram(stage, asked, 'after'));
    yield* datagram(stage, outwards, 'after');
    yield* knock(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* query(stage, from('docker0', REDIS, 41_054, '192.0.2.53', 53), 'after', 'answer');
    // With a reply, nothing is asked any more.
    yield* datagram(stage, from('eth0', '192.0.2.53', 53, REDIS, 41_053), 'answer');
    yield* datagram(stage, outwards, 'after that');
    yield* session(stage, from('eth0', OUTSIDE, 51_516, HOST, 36_379), 'PING\r\n', '+PONG\r\n');
  },
}));

const notracked: GoldenStory = {
  name: 'notrack-a-live-connection',
  folder: FOLDER,
  protects: 'raw NOTRACK for a translated connection: its packets are no longer translated, and are again without it',
  host: DOCKER_HOST,
  rules: DOCKER_RULES,
  *tell(stage) {
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* changing(commands('iptables -t raw -A PREROUTING -p tcp -j NOTRACK'), ask(redis, 'PING\r\n', '+PONG\r\n'));
    yield* changing(commands('iptables -t raw -D PREROUTING 1'), ask(redis, 'PING\r\n', '+PONG\r\n'));
  },
};

const banned: GoldenStory = {
  name: 'ban-while-connected',
  protects: 'a ban (ipset add) of an address that has a connection, another ban by swapped sets, and the pardon',
  host: {
    ...DOCKER_HOST,
    ipset: `create banned hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1
create next hash:ip family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x2
add next 203.0.113.7
`,
  },
  rules: DOCKER_RULES.replace(
    '-A FORWARD -j DOCKER-ISOLATION',
    '-A FORWARD -m set --match-set banned src -j DROP\n-A FORWARD -j DOCKER-ISOLATION',
  ),
  *tell(stage) {
    const good = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    const bad = yield* connect(stage, from('eth0', ATTACKER, 51_515, HOST, 36_379));
    yield* ask(bad, 'PING\r\n', '+PONG\r\n');
    yield* changing(commands(`ipset add banned ${ATTACKER}`), ask(bad, 'PING\r\n', '+PONG\r\n'));
    yield* ask(good, 'PING\r\n', '+PONG\r\n');
    yield* changing(commands('ipset swap banned next'), ask(bad, 'PING\r\n', '+PONG\r\n'));
    yield* ask(good, 'PING\r\n', '+PONG\r\n');
    yield* changing(commands('ipset flush banned'), ask(good, 'PING\r\n', '+PONG\r\n'));
  },
};

export const CHANGE_STORIES: readonly GoldenStory[] = [
  ...restarts,
  ...insertedRules,
  ...policies,
  ...zeroed,
  ...natArrives,
  notracked,
  banned,
];
