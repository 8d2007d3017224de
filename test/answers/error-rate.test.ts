/** The host's limits for ICMP errors, as hosts meet them: icmp_msgs_per_sec, icmp_msgs_burst, icmp_ratemask. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES, type EmulatorEngine } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { hostOf, link } from '../host/host-file.js';
import { udpPacket } from '../packets/packets.js';

const errorRate = suite('limits for ICMP errors');

const RULES = parseRuleset('*filter\n-A FORWARD -j REJECT\n-A INPUT -p udp -j REJECT\nCOMMIT\n', 'rules.v4');
const FEW = { 'net.ipv4.icmp_msgs_per_sec': 1, 'net.ipv4.icmp_msgs_burst': 1 };

/** How many errors a host with SYSCTL sends about COUNT datagrams that it rejects within a millisecond. */
function errors(sysctl: Record<string, number>, count: number, isOwn: boolean, engine?: EmulatorEngine): number {
  const host = hostOf({ addr: [link('wan', '192.0.2.10/24'), link('lan', '172.17.0.1/16')], sysctl });
  let sent = 0;
  const output = {
    egress: () => void sent++,
    local: () => void sent++,
    dropped() {},
  };
  const emulator = createEmulator({ ruleset: RULES, host, ...(engine === undefined ? {} : { engine }) }, output);
  for (let i = 0; i < count; i++) {
    const ends = isOwn
      ? { source: '192.0.2.10', destination: '192.0.2.10' }
      : { source: '172.17.0.2', destination: '192.0.2.20' };
    const bytes = udpPacket({ ...ends, sport: 1024 + i, dport: 53 });
    const frame = new Frame({ bytes, dev: host.interfaceIndex('lan'), linktype: Linktype.RAW, tsSec: 1, tsNsec: i });
    if (isOwn) emulator.send(frame);
    else emulator.receive(frame);
  }
  return sent;
}

// Linux 6.18 sent 4, 1 and 1 about 1,000 packets: each takes none, one or two of the credit for one.
errorRate('few messages at once', () => {
  const [first, ...others] = EMULATOR_ENGINES.map((engine) => errors(FEW, 1000, false, engine));
  assert.ok(first >= 1 && first <= 8, `${first} sent`);
  for (const other of others) assert.is(other, first);
});

// Linux 6.18 sent 1,000 of 1,000.
errorRate('types outside of icmp_ratemask are not limited', () => {
  assert.is(errors({ ...FEW, 'net.ipv4.icmp_ratemask': 0 }, 1000, false), 1000);
});

// Linux 6.18 sent 50 of 50.
errorRate('errors about packets over loopback are not limited', () => {
  assert.is(errors({ ...FEW, 'net.ipv4.icmp_ratelimit': 1000 }, 50, true), 50);
});

errorRate.run();
