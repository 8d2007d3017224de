/** Source routes with timestamps, which golden cases cannot hold, because the kernel writes the time of day. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IPPROTO_UDP } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { hostOf, link } from '../host/host-file.js';
import { buildIpv4, buildUdp, withChecksum } from '../packets/packets.js';

const sourceRoutes = suite('source routes with timestamps');

/** 3600 s after midnight, in milliseconds, big-endian. */
const HOUR = '0036ee80';

/** Options as sent, and as Linux 6.18 forwarded them, with HOUR in place of the time. */
const RECORDED: readonly (readonly [sent: string, forwarded: string])[] = [
  [`830704ac110003440c0501${'00'.repeat(8)}`, `830708ac110001440c0d01ac110001${HOUR}`],
  [`440c0501${'00'.repeat(8)}830704ac110003`, `440c0d01ac110001${HOUR}830708ac110001`],
  [
    `830b04ac110001ac11000344140501${'00'.repeat(16)}`,
    `830b0cac110001ac11000144140d01ac110001${HOUR}${'00'.repeat(8)}`,
  ],
  [`830704c6336405440c0501${'00'.repeat(8)}`, `830708c000020a440c0d01c000020a${HOUR}`],
  [`830704ac110003440c0503c000020a00000000`, `830708ac110001440c0d03c000020a${HOUR}`],
  [`830704ac110003440c0500${'00'.repeat(8)}`, `830708ac110001440c0900${HOUR}00000000`],
];

sourceRoutes('both are completed as by the kernel', () => {
  const host = hostOf({
    addr: [link('eth0', '192.0.2.10/24'), link('docker0', '172.17.0.1/16')],
    route: [{ dst: 'default', gateway: '192.0.2.1', dev: 'eth0' }],
    sysctl: { 'net.ipv4.conf.all.accept_source_route': 1 },
  });
  let left = '';
  const output = {
    egress(_dev: number, bytes: Uint8Array, at: number, available: number) {
      const ip = Buffer.from(bytes.subarray(at + 14, at + available));
      left = ip.subarray(20, (ip[0] & 15) * 4).toString('hex');
    },
    local() {},
    dropped() {},
  };
  const emulator = createEmulator({ ruleset: parseRuleset('', 'rules.v4'), host }, output);
  for (const [sent, forwarded] of RECORDED) {
    const fields = { source: '203.0.113.7', destination: '192.0.2.10', protocol: IPPROTO_UDP };
    const options = Buffer.from(sent, 'hex');
    const bytes = withChecksum(buildIpv4({ ...fields, options }, buildUdp(1000, 2000, new Uint8Array(0))));
    left = '';
    emulator.receive(
      new Frame({ bytes, dev: host.interfaceIndex('eth0'), linktype: Linktype.RAW, tsSec: 3600, tsNsec: 0 }),
    );
    assert.is(left.slice(0, forwarded.length), forwarded, sent);
  }
});

sourceRoutes.run();
