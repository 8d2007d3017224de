/**
 * The gallery: failures that became famous, each a golden case named after what it is. Its host, its rules, the rules
 * that mend it and its README, with the public report, are files of its folder, written by hand; here is only the
 * traffic.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN } from '../../../codecs/layouts.js';
import type { HostDescription } from '../host-description.js';
import { LOCAL } from '../router.js';
import { segment } from '../tcp-scene.js';
import {
  after,
  ask,
  changing,
  complain,
  connect,
  datagram,
  from,
  type GoldenStory,
  knock,
  ping,
  plainConnection,
  query,
  session,
} from './story.js';

const CLIENT = '203.0.113.7';
const WEB = '198.51.100.5';
/** Don't fragment. */
const DF = 0x4000;

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

const textIn = (name: string, file: string): string => readFileSync(join('pcaps', name, file), 'utf8');

/** The case NAME, whose host and rules are in its folder. */
function told(name: string, tell: GoldenStory['tell'], more: Partial<GoldenStory> = {}): GoldenStory {
  const [, protects] = /^Protects (.+)\.$/m.exec(textIn(name, 'README.md'))!;
  const host = JSON.parse(textIn(name, 'host.json')) as HostDescription;
  return { name, protects, host, rules: textIn(name, 'rules.v4'), tell, ...more };
}

const HELLO = ['GET / HTTP/1.0\r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\n'] as const;
const SSH = ['SSH-2.0-client\r\n', 'SSH-2.0-server\r\n'] as const;

const dockerStories: readonly GoldenStory[] = [
  told('docker-rules-gone-after-iptables-restart', function* (stage) {
    yield* datagram(stage, from('docker0', '172.17.0.5', 40_000, '198.51.100.53', 53), 'www.example.org?');
    yield* knock(stage, from('docker0', '172.17.0.5', 40_001, WEB, 443));
    yield* knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 8080));
    yield* session(stage, from('eth0', CLIENT, 50_001, '192.0.2.10', 22), ...SSH);
  }),
  told('docker-sets-forward-policy-drop', function* (stage) {
    yield* session(stage, from('docker0', '172.17.0.2', 40_000, WEB, 443), ...HELLO);
    yield* knock(stage, from('cbr0', '10.244.1.7', 40_001, WEB, 443));
    yield* knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.20', 30_080));
    yield* knock(stage, from('eth0', '192.0.2.77', 50_001, '10.244.1.7', 80));
  }),
  told('ufw-bypassed-by-docker', function* (stage) {
    yield* session(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 8080), ...HELLO);
    yield* knock(stage, from('eth0', CLIENT, 50_001, '192.0.2.10', 5432));
    yield* session(stage, from('eth0', CLIENT, 50_002, '192.0.2.10', 22), ...SSH);
  }),
  told('redirect-takes-traffic-of-containers', function* (stage) {
    const web = plainConnection(stage, from('docker0', '172.17.0.3', 40_000, WEB, 80));
    yield* segment(web, web.client, TCP_SYN);
    yield* segment(web, web.server, TCP_RST | TCP_ACK);
    yield* session(stage, from('docker0', '172.17.0.3', 40_001, WEB, 8080), ...HELLO);
    yield* knock(stage, from('eth0', CLIENT, 50_000, '172.17.0.3', 6379));
  }),
  told('docker-28-drops-direct-routing', function* (stage) {
    yield* ping(stage, from('tailscale0', '100.101.1.9', 3, '172.18.0.1', 0));
    yield* ping(stage, from('tailscale0', '100.101.1.9', 4, '172.18.0.2', 0));
    yield* knock(stage, from('tailscale0', '100.101.1.9', 50_000, '172.18.0.2', 80));
    yield* session(stage, from('eth0', CLIENT, 50_001, '192.0.2.10', 8080), ...HELLO);
    yield* knock(stage, from('eth0', '192.0.2.77', 50_002, '172.18.0.2', 22));
  }),
];

const STATSD = '10.96.3.8';
const SCALED_DOWN = 'stale-udp-connection-after-scale-down';

const kubernetesStories: readonly GoldenStory[] = [
  told('invalid-segment-escapes-nat', function* (stage) {
    const store = yield* connect(stage, from('cni0', '10.244.1.12', 40_000, '10.96.0.50', 80));
    yield* ask(store, ...HELLO);
    // Far beyond the window.
    yield* segment(store, store.server, TCP_ACK, text('out of order'), { sequenceShift: 400_000 });
    const stranger = plainConnection(stage, from('cni0', '10.244.1.12', 40_000, '10.244.2.7', 8080));
    stranger.client.next = store.client.next;
    yield* segment(stranger, stranger.client, TCP_RST);
    // The server has forgotten the connection.
    yield* segment(store, store.client, TCP_PSH | TCP_ACK, text(HELLO[0]));
    yield* segment(store, store.server, TCP_RST);
    yield* knock(stage, from('cni0', '10.244.1.12', 40_001, '10.96.0.77', 80));
  }),
  told(SCALED_DOWN, function* (stage) {
    const steady = from('cni0', '10.244.1.12', 33_333, STATSD, 8125);
    yield* datagram(stage, steady, 'requests:1|c');
    yield* datagram(stage, steady, 'requests:2|c');
    const scaledDown = { kind: 'rules', text: textIn(SCALED_DOWN, 'rules-1.v4') } as const;
    yield* changing([scaledDown], datagram(stage, steady, 'requests:3|c'));
    yield* datagram(stage, from('cni0', '10.244.1.13', 33_334, STATSD, 8125), 'requests:1|c');
    yield* datagram(stage, steady, 'requests:4|c');
  }),
  told('rp-filter-drops-by-second-uplink', function* (stage) {
    yield* knock(stage, from('eth0', CLIENT, 50_000, '10.0.0.10', 31_000));
    yield* after(1000, knock(stage, from('eth0', CLIENT, 50_000, '10.0.0.10', 31_000)));
    yield* session(stage, from('eth0', CLIENT, 50_001, '10.0.0.10', 31_001), ...HELLO);
  }),
  told('icmp-type-8-only-breaks-path-mtu', function* (stage) {
    const service = '198.51.100.66';
    const salt = yield* connect(stage, from('eth0', CLIENT, 37_742, service, 4506));
    yield* segment(salt, salt.client, TCP_PSH | TCP_ACK, text('large, please'));
    yield* segment(salt, salt.server, TCP_ACK, text('x'.repeat(1448)), { fragment: DF });
    yield* complain(stage, 'eth0', '192.0.2.254', 3, 4, 1476);
    yield* ping(stage, from('eth0', CLIENT, 8, service, 0));
    yield* knock(stage, from('eth0', CLIENT, 50_000, service, 22));
  }),
  told('node-port-without-local-endpoint', function* (stage) {
    yield* knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.20', 32_204));
    yield* after(1000, knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.20', 32_204)));
    yield* session(stage, from('eth0', CLIENT, 50_001, '10.108.2.154', 80), ...HELLO);
  }),
];

const PROVIDER = '203.0.113.5';

const routerStories: readonly GoldenStory[] = [
  told('libvirt-rejects-before-the-hook', function* (stage) {
    yield* knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 2222));
    yield* after(1000, knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 2222)));
    yield* session(stage, from('virbr0', '192.168.122.50', 40_000, WEB, 443), ...HELLO);
  }),
  told('hairpin-without-masquerade', function* (stage) {
    yield* knock(stage, from('br-lan', '10.0.0.9', 40_000, '192.0.2.10', 80));
    yield* after(1000, knock(stage, from('br-lan', '10.0.0.9', 40_000, '192.0.2.10', 80)));
    yield* session(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 80), ...HELLO);
    yield* session(stage, from('br-lan', '10.0.0.9', 40_001, WEB, 443), ...HELLO);
    yield* knock(stage, from('eth0', '192.0.2.77', 50_001, '10.0.0.5', 22));
  }),
  told('recent-locks-one-host-out', function* (stage) {
    for (let id = 100; id < 111; id++) yield* ping(stage, from('eth0', CLIENT, id, '192.0.2.50', 0));
    yield* datagram(stage, from('eth0', CLIENT, 500, '192.0.2.50', 500), 'IKE_SA_INIT');
    yield* knock(stage, from('eth0', CLIENT, 50_000, '192.0.2.50', 22));
    yield* datagram(stage, from('eth0', '203.0.113.8', 500, '192.0.2.50', 500), 'IKE_SA_INIT');
  }),
  told('dnat-to-loopback', function* (stage) {
    yield* datagram(stage, from('tap0', '172.18.0.2', 40_000, '172.18.0.1', 53), 'www.example.org?');
    yield* session(stage, from('tap0', '172.18.0.2', 40_001, WEB, 443), ...HELLO);
    yield* datagram(stage, from('eth0', CLIENT, 50_000, '192.0.2.10', 53), 'www.example.org?');
  }),
  told('state-new-in-raw', function* (stage) {
    yield* knock(stage, from('eth0', '203.0.113.66', 50_000, '192.0.2.50', 22));
    yield* session(stage, from('eth0', CLIENT, 50_001, '192.0.2.50', 22), ...SSH);
    yield* knock(stage, from('eth0', '203.0.113.66', 50_002, '192.0.2.50', 25));
  }),
  told('masquerade-with-one-port', function* (stage) {
    yield* connect(stage, from('eth0', CLIENT, 40_000, '192.0.2.10', 5000));
    yield* knock(stage, from('eth0', '203.0.113.8', 41_000, '192.0.2.10', 5000));
    yield* after(1000, knock(stage, from('eth0', '203.0.113.8', 41_000, '192.0.2.10', 5000)));
  }),
  told('wg-quick-drops-in-raw', function* (stage) {
    yield* ping(stage, from('eth0', '192.0.2.60', 5, '10.16.1.15', 0));
    yield* knock(stage, from('eth0', '192.0.2.60', 50_000, '10.16.1.15', 22));
    yield* datagram(stage, from('eth0', CLIENT, 51_820, '192.0.2.15', 51_820), 'handshake');
    yield* ping(stage, from('wg0', '10.16.1.7', 6, '10.16.1.15', 0));
    yield* ping(stage, from(LOCAL, '10.16.1.15', 7, '10.16.1.15', 0));
  }),
  told(
    'sip-call-after-udp-timeout',
    function* (stage) {
      yield* query(stage, from('br-lan', '10.0.0.50', 5060, PROVIDER, 5060), 'REGISTER first', '200 OK');
      const talking = from('br-lan', '10.0.0.51', 5070, PROVIDER, 5060);
      yield* query(stage, talking, 'REGISTER second', '200 OK');
      for (let i = 0; i < 3; i++) yield* after(500, datagram(stage, talking, '\r\n'));
      yield* after(100, datagram(stage, from('eth0', PROVIDER, 5060, '192.0.2.10', 5060), 'INVITE first'));
      for (let i = 0; i < 2; i++) yield* after(450, datagram(stage, talking, '\r\n'));
      yield* after(3000, datagram(stage, from('eth0', PROVIDER, 5060, '192.0.2.10', 5070), 'INVITE second'));
    },
    { isPaced: true },
  ),
];

export const GALLERY_STORIES: readonly GoldenStory[] = [...dockerStories, ...kubernetesStories, ...routerStories];
