/** IDLETIMER's timers expire by packet time. Only observers hear of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { udpPacket } from '../packets/packets.js';

const idletimer = suite('IDLETIMER');

const host = loadHost(
  JSON.stringify({
    addr: ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    })),
  }),
  'host.json',
);

const RULES = `*filter
-A FORWARD -p udp -m udp --dport 53 -j IDLETIMER --timeout 5 --label dns
-A FORWARD -p udp -m udp --dport 54 -j IDLETIMER --timeout 2 --label dns
-A FORWARD -p tcp -j IDLETIMER --timeout 3 --label tcp --alarm
-A FORWARD -p sctp -j IDLETIMER --timeout 1 --label tcp --alarm
COMMIT
`;

/** For each of PORTS, a packet a second: the timers that expired before it. */
function expired(ports: readonly number[]): string[] {
  const heard: string[] = [];
  const emulator = createEmulator(
    {
      ruleset: parseRuleset(RULES, 'rules.v4'),
      host,
      observer(event) {
        if (event.kind === 'frame') heard.push('');
        else if (event.kind === 'idle') heard[heard.length - 1] += event.label;
      },
    },
    { egress() {}, local() {}, dropped() {} },
  );
  for (const [tsSec, dport] of ports.entries()) {
    const bytes = udpPacket({ source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport });
    emulator.receive(new Frame({ bytes, dev: 0, linktype: Linktype.RAW, tsSec, tsNsec: 0 }));
  }
  return heard;
}

idletimer('a timer starts when the rules are loaded, restarts with each packet, and expires once', () => {
  // As in Linux 6.18, the last rule gives dns 2 seconds, and the longest gives tcp, which has alarms, 3.
  // A packet at second 3 gives dns 5.
  assert.equal(expired([1, 1, 1, 53, 1, 1, 1, 1, 1, 1]), ['', '', 'dns', 'tcp', '', '', '', '', 'dns', '']);
});

idletimer('rules with the same label share the timer, each with its own time', () => {
  // A packet of the first rule gives it 5 seconds, and one of the second then 2.
  assert.equal(expired([1, 1, 1, 53, 54, 1, 1, 53, 1, 54]), ['', '', 'dns', 'tcp', '', '', 'dns', '', '', '']);
});

idletimer.run();
