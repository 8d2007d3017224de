/** Golden cases of rules that ask sets of ipset and change them. */
import type { Scene } from '../scene.js';
import { DOCKER_HOST, HOST, OUTSIDE, REDIS, WEB_SERVER } from './hosts.js';
import { after, ask, connect, datagram, from, type GoldenStory, hangUp, knock, ping, session } from './story.js';

const FOLDER = 'test/golden/sets';
const ATTACKER = '203.0.113.66';
const ADMIN = '203.0.113.7';

const fail2ban: GoldenStory = {
  name: 'fail2ban',
  folder: FOLDER,
  isPaced: true,
  protects:
    'a ban as fail2ban makes it, in a set with time-outs: who knocks at a trap is refused for two seconds, also in ' +
    'an established connection, and nobody else',
  host: {
    ...DOCKER_HOST,
    ipset: `create f2b-sshd hash:ip family inet hashsize 1024 maxelem 65536 timeout 600 bucketsize 12 initval 0x6f1d2c3b
add f2b-sshd 198.51.100.99 timeout 0
`,
  },
  rules: `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m set --match-set f2b-sshd src -j REJECT --reject-with icmp-port-unreachable
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 2222 -j SET --add-set f2b-sshd src --exist --timeout 2
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`,
  *tell(stage) {
    const at = (address: string, port: number, own: number) => knock(stage, from('eth0', address, own, HOST, port));
    const admin = yield* connect(stage, from('eth0', ADMIN, 51_515, HOST, 22));
    const attacker = yield* connect(stage, from('eth0', ATTACKER, 40_000, HOST, 22));
    yield* ask(attacker, 'SSH-2.0-guess\r\n', 'SSH-2.0-server\r\n');
    yield* at('198.51.100.99', 22, 40_100);
    yield* at(ATTACKER, 2222, 40_001);
    yield* ask(attacker, 'root\r\n', 'no\r\n');
    yield* ask(admin, 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
    // It knocks again: the ban is prolonged.
    yield* after(1000, at(ATTACKER, 2222, 40_002));
    yield* after(1400, at(ATTACKER, 22, 40_003));
    yield* after(1000, at(ATTACKER, 22, 40_004));
    yield* ask(attacker, 'root\r\n', 'no\r\n');
    yield* at('198.51.100.99', 22, 40_101);
    yield* hangUp(admin);
  },
};

const docker28: GoldenStory = {
  name: 'docker-28-ipset',
  folder: FOLDER,
  protects: "Docker 28.0's FORWARD chain, which asks the set docker-ext-bridges-v4 in place of a rule for each bridge",
  host: {
    ...DOCKER_HOST,
    ipset: `create docker-ext-bridges-v4 hash:net family inet maxelem 65536 bucketsize 12 initval 0x1d2c3b4a
add docker-ext-bridges-v4 172.17.0.0/16
`,
  },
  rules: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 36379 -j DNAT --to-destination 172.17.0.3:6379
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -j DOCKER
-A FORWARD -i docker0 -j ACCEPT
-A DOCKER -d 172.17.0.3/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 6379 -j ACCEPT
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
`,
  *tell(stage) {
    const redis = yield* connect(stage, from('eth0', OUTSIDE, 51_515, HOST, 36_379));
    yield* ask(redis, '*1\r\n$4\r\nPING\r\n', '+PONG\r\n');
    yield* session(
      stage,
      from('docker0', REDIS, 40_000, WEB_SERVER, 443),
      'GET / HTTP/1.1\r\n\r\n',
      'HTTP/1.1 200 OK\r\n\r\n',
    );
    yield* ping(stage, from('docker0', REDIS, 77, '192.0.2.1', 0));
    yield* knock(stage, from('eth0', OUTSIDE, 50_002, REDIS, 80));
    yield* knock(stage, from('eth0', OUTSIDE, 50_003, '172.18.0.9', 80));
    yield* hangUp(redis);
  },
};

/** A rule for each set, which counts what it finds. */
const counting = (sets: readonly (readonly [name: string, ends: string])[]): string =>
  sets.map(([name, ends]) => `-A FORWARD -m set --match-set ${name} ${ends}\n`).join('');

function* traffic(stage: Parameters<GoldenStory['tell']>[0]): Scene {
  yield* session(stage, from('eth0', OUTSIDE, 51_515, REDIS, 6379), 'PING\r\n', '+PONG\r\n');
  yield* session(stage, from('docker0', REDIS, 40_000, WEB_SERVER, 443), 'GET /\r\n', 'hello');
  yield* datagram(stage, from('docker0', REDIS, 41_053, '192.0.2.53', 53), 'www.example.org?');
  yield* datagram(stage, from('eth0', ADMIN, 5353, '172.17.0.9', 53), 'who?');
  yield* ping(stage, from('docker0', REDIS, 77, '198.51.100.9', 0));
  yield* ping(stage, from('eth0', ATTACKER, 78, REDIS, 0));
}

const setTypes: GoldenStory = {
  name: 'set-types',
  folder: FOLDER,
  protects:
    'every type of set that the kernel of the recording has: what of a packet is looked up, exceptions (nomatch), ' +
    'counters, and what SET adds to each',
  host: {
    ...DOCKER_HOST,
    ipset: `create bitmap-ip bitmap:ip range 172.17.0.0-172.17.255.255 counters
add bitmap-ip 172.17.0.3
create bitmap-mac bitmap:ip,mac range 172.17.0.0-172.17.255.255
add bitmap-mac 172.17.0.3,02:42:ac:11:00:03
add bitmap-mac 172.17.0.9
create bitmap-port bitmap:port range 0-10000 timeout 600
add bitmap-port 443
create hash-ip hash:ip family inet counters netmask 24
add hash-ip 203.0.113.0
create hash-ip-port hash:ip,port family inet
add hash-ip-port 172.17.0.3,tcp:6379
add hash-ip-port 172.17.0.3,icmp:echo-request
create hash-ip-port-ip hash:ip,port,ip family inet
add hash-ip-port-ip 198.51.100.5,tcp:443,172.17.0.3
create hash-ip-port-net hash:ip,port,net family inet
add hash-ip-port-net 192.0.2.53,udp:53,172.16.0.0/12
create hash-net hash:net family inet counters
add hash-net 198.51.100.0/24
add hash-net 198.51.100.8/29 nomatch
create hash-net-port hash:net,port family inet
add hash-net-port 172.17.0.0/16,udp:53
create hash-net-iface hash:net,iface family inet
add hash-net-iface 172.17.0.0/16,docker0
create grown hash:ip,port family inet timeout 600 comment
`,
  },
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
${counting([
  ['bitmap-ip', 'src'],
  ['bitmap-ip', 'dst'],
  ['bitmap-mac', 'src,src'],
  ['bitmap-mac', 'dst,src'],
  ['bitmap-port', 'dst'],
  ['hash-ip', 'src'],
  ['hash-ip-port', 'dst,dst'],
  ['hash-ip-port', 'dst'],
  ['hash-ip-port-ip', 'dst,dst,src'],
  ['hash-ip-port-ip', 'src,src,dst'],
  ['hash-ip-port-net', 'dst,dst,src'],
  ['hash-net', 'dst'],
  ['hash-net-port', 'dst,dst'],
  ['hash-net-iface', 'src,src'],
  ['hash-net-iface', 'dst,dst'],
])}-A FORWARD -m set --match-set hash-net dst --return-nomatch
-A FORWARD -m set ! --match-set hash-net dst
-A FORWARD -m set --match-set hash-ip src ! --update-counters --packets-gt 3
-A FORWARD -j SET --add-set grown dst,dst --exist --timeout 300
-A FORWARD -p icmp -j SET --add-set hash-net src --del-set bitmap-ip dst
-A FORWARD -p icmp -j SET --add-set hash-net-iface src,src
-A FORWARD -p icmp -j SET --add-set bitmap-mac src,src
COMMIT
`,
  tell: (stage) => traffic(stage),
};

const setLists: GoldenStory = {
  name: 'set-lists',
  folder: FOLDER,
  protects:
    'list:set: members are asked in their order up to the first that has the packet, both count, and SET adds to the ' +
    'first that takes it; --map-mark takes marks from the entry',
  host: {
    ...DOCKER_HOST,
    ipset: `create servers hash:ip family inet counters skbinfo
add servers 198.51.100.5 packets 0 bytes 0 skbmark 0x7
add servers 172.17.0.3 packets 0 bytes 0 skbmark 0x10/0xf0
create services hash:ip,port family inet counters
add services 172.17.0.3,tcp:6379 packets 5 bytes 500
add services 192.0.2.53,udp:53
create small bitmap:port range 1-50 counters
create known list:set size 8 counters
add known services
add known servers
create takes list:set size 8 timeout 600
add takes small timeout 600
add takes servers timeout 0
`,
  },
  rules: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A FORWARD -j SET --map-set servers dst --map-mark
-A FORWARD -m mark --mark 0x7
-A FORWARD -m mark --mark 0x10/0xf0
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m set --match-set known dst,dst
-A FORWARD -m set --match-set known dst,dst ! --update-subcounters
-A FORWARD -m set --match-set known src ! --update-counters ! --update-subcounters
-A FORWARD -m set ! --match-set known dst,dst -j SET --add-set takes src
COMMIT
`,
  tell: (stage) => traffic(stage),
};

export const SET_STORIES: readonly GoldenStory[] = [fail2ban, docker28, setTypes, setLists];
