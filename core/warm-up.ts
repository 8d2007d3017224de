/**
 * Shows V8 what packets are like, before the first real one.
 *
 * V8 compiles a function for what it has seen of it. A capture that begins with ten thousand SYNs has everything compiled for
 * SYNs, thrown away at the first answer, and again at the first data: half a second of compiling, during which packets crawl.
 * A few whole conversations beforehand, through a host that is thrown away, and it compiles once.
 */
import { swap32 } from '../codecs/address.js';
import { ETHERNET_LENGTH, ETHERNET_TYPE_AT, ETHERTYPE_IPV4 } from '../codecs/layouts.js';
import { createEmulator } from './emulator.js';
import { loadHost } from './host/host.js';
import { Frame } from './link/frame.js';
import { mangle } from './nat/mangle.js';
import { Manip } from './rules/context.js';
import { parseRuleset } from './rules/parse/parse.js';

/** More does not help: what is called as often as this has been seen from all sides. */
const CONVERSATIONS = 40;

const HOST = `{"addr": [
  {"ifname": "wan", "address": "02:00:00:00:00:01", "addr_info": [{"family": "inet", "local": "192.0.2.10", "prefixlen": 24}]},
  {"ifname": "lan", "address": "02:00:00:00:00:02", "addr_info": [{"family": "inet", "local": "172.17.0.1", "prefixlen": 16}]}],
 "route": [{"dst": "default", "gateway": "192.0.2.1", "dev": "wan"}]}`;

const RULES = `*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i wan -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2
-A POSTROUTING -s 172.17.0.0/16 -o wan -j MASQUERADE
COMMIT
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o lan -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`;

const FROM_CLIENT = Manip.SRC;
const TO_CLIENT = Manip.DST;
const CLIENT = 0xc6120001;
const CLIENT_PORT = 40_000;
const LONGEST_PACKET = 114;

/** 198.18.0.1:40000 speaks with 192.0.2.10:80, which is 172.17.0.2: each IPv4 packet, by the end that is the client's. */
const CONVERSATION: readonly [Manip, string][] = [
  [FROM_CLIENT, '45000028000140004006b2b1c6120001c000020a9c400050000003e8000000005002faf08c5b0000'],
  [TO_CLIENT, '45000028000140004006c8a8ac110002c612000100509c40000007d0000003e95012faf09a710000'],
  [FROM_CLIENT, '45000028000140004006b2b1c6120001c000020a9c400050000003e9000007d15010faf0847b0000'],
  [FROM_CLIENT, '4500002c000140004006b2adc6120001c000020a9c400050000003e9000007d15018faf0a59e000070696e67'],
  [TO_CLIENT, '4500002c000140004006c8a4ac110002c612000100509c40000007d1000003ed5018faf0bb8b0000706f6e67'],
  [FROM_CLIENT, '45000028000140004006b2b1c6120001c000020a9c400050000003ed000007d55010faf084730000'],
  [FROM_CLIENT, '4500002c000140004006b2adc6120001c000020a9c400050000003ed000007d55018faf0a596000070696e67'],
  [TO_CLIENT, '4500002c000140004006c8a4ac110002c612000100509c40000007d5000003f15018faf0bb830000706f6e67'],
];

/** Takes some 20 ms; worth it before a hundred thousand packets. Returns how many packets were forwarded: all of them. */
export function warmUp(): number {
  const host = loadHost(HOST, 'warm-up');
  const ruleset = parseRuleset(RULES, 'warm-up');
  let forwarded = 0;
  const count = (): void => {
    forwarded++;
  };
  const emulator = createEmulator({ ruleset, host }, { egress: count, local() {}, dropped() {} });
  const [wan, lan] = [host.interfaceIndex('wan'), host.interfaceIndex('lan')];
  const frames = CONVERSATION.map(([end, hex]) => ({ end, packet: Buffer.from(hex, 'hex') }));
  const frame = new Frame({ bytes: new Uint8Array(ETHERNET_LENGTH + LONGEST_PACKET) });
  frame.view.setUint16(ETHERNET_TYPE_AT, ETHERTYPE_IPV4);
  for (let client = 0; client < CONVERSATIONS; client++) {
    for (const { end, packet } of frames) {
      frame.bytes.set(packet, ETHERNET_LENGTH);
      mangle(frame.view, ETHERNET_LENGTH, packet.length, end, swap32(CLIENT + client) | 0, CLIENT_PORT);
      frame.dev = end === FROM_CLIENT ? wan : lan;
      frame.tsNsec = client;
      frame.caplen = frame.wirelen = ETHERNET_LENGTH + packet.length;
      emulator.receive(frame);
    }
  }
  return forwarded;
}
