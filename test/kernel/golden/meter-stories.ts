/**
 * Golden cases of rules that remember packets and count the time: recent, hashlimit, limit, quota. They keep pace with
 * the real time; no decision is near the edge of a window.
 */
import type { Scene } from '../scene.js';
import { DOCKER_HOST, HOST, REDIS, WEB_SERVER } from './hosts.js';
import { after, connect, datagram, from, type GoldenStory, knock, session } from './story.js';

const FOLDER = 'test/golden/meters';
const ATTACKER = '203.0.113.66';
const ADMIN = '203.0.113.7';

/** SYNs from ADDRESS to a PORT of the host, COUNT of them every MS. */
function* attempts(stage: Parameters<GoldenStory['tell']>[0], address: string, count: number, ms: number): Scene {
  for (let i = 0; i < count; i++) {
    yield* after(ms, knock(stage, from('eth0', address, 40_000 + i, HOST, 22)));
  }
}

const bruteForce: GoldenStory = {
  name: 'ssh-brute-force',
  folder: FOLDER,
  isPaced: true,
  protects: 'recent against guessed SSH passwords: the fourth attempt within three seconds is dropped, and prolongs it',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name SSH --mask 255.255.255.255 \
--rsource
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 3 --hitcount 4 --rttl \
--name SSH --mask 255.255.255.255 --rsource -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`,
  *tell(stage) {
    yield* attempts(stage, ATTACKER, 7, 150);
    yield* session(stage, from('eth0', ADMIN, 51_515, HOST, 22), 'SSH-2.0-client\r\n', 'SSH-2.0-server\r\n');
    yield* after(1500, attempts(stage, ATTACKER, 1, 1));
    // Three quiet seconds, and it may try again.
    yield* after(3400, attempts(stage, ATTACKER, 5, 100));
  },
};

const portKnocking: GoldenStory = {
  name: 'port-knocking',
  folder: FOLDER,
  isPaced: true,
  protects: 'port knocking with three lists of recent: the right order opens SSH for two seconds, a wrong one does not',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:STAGE2 - [0:0]
:STAGE3 - [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m recent --rcheck --seconds 2 --reap --name KNOCK3 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 9000 -m recent --rcheck --seconds 1 --name KNOCK2 -j STAGE3
-A INPUT -p tcp -m tcp --dport 8000 -m recent --rcheck --seconds 1 --name KNOCK1 -j STAGE2
-A INPUT -p tcp -m tcp --dport 7000 -m recent --set --name KNOCK1 -j DROP
-A INPUT -m recent --remove --name KNOCK1
-A INPUT -m recent --remove --name KNOCK2
-A STAGE2 -m recent --remove --name KNOCK1
-A STAGE2 -m recent --set --name KNOCK2 -j DROP
-A STAGE3 -m recent --remove --name KNOCK2
-A STAGE3 -m recent --set --name KNOCK3 -j DROP
COMMIT
`,
  *tell(stage) {
    const at = (address: string, port: number) => knock(stage, from('eth0', address, 50_000 + port, HOST, port));
    yield* at(ADMIN, 22);
    for (const port of [7000, 8000, 9000]) yield* after(200, at(ADMIN, port));
    // In the wrong order, and too slowly.
    for (const port of [8000, 7000, 9000, 22]) yield* after(50, at(ATTACKER, port));
    yield* connect(stage, from('eth0', ADMIN, 51_515, HOST, 22));
    yield* at(ATTACKER, 7000);
    yield* after(1300, at(ATTACKER, 8000));
    yield* at(ATTACKER, 22);
    // The door is closed again; what is established goes on.
    yield* after(1200, at(ADMIN, 22));
  },
};

const ufwLimit: GoldenStory = {
  name: 'ufw-limit',
  folder: FOLDER,
  isPaced: true,
  protects: "ufw's limit: the sixth connection within 30 seconds is rejected, and logged three times a minute at most",
  host: DOCKER_HOST,
  rules: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-user-input - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -j ufw-user-input
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name DEFAULT --mask \
255.255.255.255 --rsource
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 \
--name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit
-A ufw-user-input -p tcp -m tcp --dport 22 -j ufw-user-limit-accept
-A ufw-user-limit -m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
-A ufw-user-limit-accept -j ACCEPT
COMMIT
`,
  *tell(stage) {
    yield* attempts(stage, ATTACKER, 14, 60);
    yield* attempts(stage, ADMIN, 2, 60);
  },
};

const ENDPOINTS = ['172.17.0.3', '172.17.0.4'];

/** As kube-proxy writes them, but the endpoint of a new client is chosen in turn, not at random. */
const affinity: GoldenStory = {
  name: 'kube-proxy-affinity',
  folder: FOLDER,
  isPaced: true,
  protects: "kube-proxy's session affinity: a client comes back to the endpoint that recent remembers for three hours",
  host: {
    ...DOCKER_HOST,
    neigh: [...(DOCKER_HOST.neigh ?? []), { dst: '172.17.0.4', dev: 'docker0', lladdr: '02:42:ac:11:00:04' }],
  },
  rules: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-ALPHA - [0:0]
:KUBE-SEP-BETA - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-WEB - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE
-A KUBE-SEP-ALPHA -s 172.17.0.3/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-ALPHA -p tcp -m recent --set --name KUBE-SEP-ALPHA --mask 255.255.255.255 --rsource -m tcp -j DNAT \
--to-destination 172.17.0.3:8080
-A KUBE-SEP-BETA -s 172.17.0.4/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-BETA -p tcp -m recent --set --name KUBE-SEP-BETA --mask 255.255.255.255 --rsource -m tcp -j DNAT \
--to-destination 172.17.0.4:8080
-A KUBE-SERVICES -d 10.96.0.80/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j \
KUBE-SVC-WEB
-A KUBE-SVC-WEB -m comment --comment "default/web" -m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-ALPHA \
--mask 255.255.255.255 --rsource -j KUBE-SEP-ALPHA
-A KUBE-SVC-WEB -m comment --comment "default/web" -m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-BETA \
--mask 255.255.255.255 --rsource -j KUBE-SEP-BETA
-A KUBE-SVC-WEB -m comment --comment "default/web" -m statistic --mode nth --every 2 --packet 0 -j KUBE-SEP-ALPHA
-A KUBE-SVC-WEB -m comment --comment "default/web" -j KUBE-SEP-BETA
COMMIT
`,
  *tell(stage) {
    const clients = ['203.0.113.1', '203.0.113.2', '203.0.113.3', ENDPOINTS[0]];
    for (const round of [0, 1, 2]) {
      for (const client of clients) {
        const dev = ENDPOINTS.includes(client) ? 'docker0' : 'eth0';
        const side = from(dev, client, 40_000 + round, '10.96.0.80', 80);
        yield* after(100, session(stage, side, 'GET / HTTP/1.0\r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\n'));
      }
    }
  },
};

/** Rules that only count, each with its own limit. */
const overTime: GoldenStory = {
  name: 'limits-over-time',
  folder: FOLDER,
  isPaced: true,
  protects:
    'limit, hashlimit (packets, bytes, rates, masks, expiry, a full table) and quota over six seconds of traffic',
  host: DOCKER_HOST,
  rules: `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:FULL - [0:0]
-A FORWARD -m limit --limit 2/sec --limit-burst 3
-A FORWARD -m limit --limit 30/min
-A FORWARD -m hashlimit --hashlimit-upto 2/sec --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name packets
-A FORWARD -m hashlimit --hashlimit-above 2/sec --hashlimit-burst 2 --hashlimit-mode srcip,dstport --hashlimit-name \
above
-A FORWARD -m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 1 --hashlimit-mode dstip --hashlimit-name net \
--hashlimit-dstmask 24
-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-mode srcip --hashlimit-name bytes
-A FORWARD -m hashlimit --hashlimit-above 512b/s --hashlimit-burst 2kb --hashlimit-mode srcip --hashlimit-name burst
-A FORWARD -m hashlimit --hashlimit-upto 2/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name expiry \
--hashlimit-htable-expire 1000
-A FORWARD -m hashlimit --hashlimit-upto 3/sec --hashlimit-burst 2 --hashlimit-name rate --hashlimit-rate-match
-A FORWARD -m quota --quota 1500
-A FORWARD -m quota ! --quota 1500
-A FORWARD -p udp -m udp --dport 9999 -j FULL
-A FULL -m hashlimit --hashlimit-upto 1/day --hashlimit-burst 1 --hashlimit-mode srcport --hashlimit-name full \
--hashlimit-htable-size 1 --hashlimit-htable-max 2 -j RETURN
COMMIT
`,
  *tell(stage) {
    const send = (address: string, port: number, peer: string, peerPort: number, length: number) =>
      datagram(stage, from('docker0', address, port, peer, peerPort), 'x'.repeat(length));
    for (let i = 0; i < 10; i++) yield* after(130, send(REDIS, 1000, WEB_SERVER, 53, i * 20));
    for (let i = 0; i < 8; i++) yield* after(70, send(i % 2 ? REDIS : '172.17.0.4', 1001, '198.51.100.77', 123, 200));
    // More sources than the table takes: the last ones are dropped.
    for (const port of [1, 2, 1, 3, 4]) yield* after(20, send(REDIS, port, WEB_SERVER, 9999, 10));
    yield* after(2350, send(REDIS, 1000, WEB_SERVER, 53, 30));
    for (let i = 0; i < 4; i++) yield* after(320, send(REDIS, 1000, WEB_SERVER, 53, 30));
  },
};

export const METER_STORIES: readonly GoldenStory[] = [bruteForce, portKnocking, ufwLimit, affinity, overTime];
