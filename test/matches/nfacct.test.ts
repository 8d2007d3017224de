/** nfacct counts in the accounting objects of the host. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HostError } from '../../codecs/host/error.js';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, EMULATOR_ENGINES } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { RulesetError } from '../../core/rules/parse/error.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { udpPacket } from '../packets/packets.js';

const nfacct = suite('nfacct');

function hostWith(nfacctMember: unknown) {
  const addr = ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
    ifname: `eth${i}`,
    address: `02:00:00:00:00:1${i}`,
    mtu: 1500,
    addr_info: [{ family: 'inet', local, prefixlen: 24 }],
  }));
  return loadHost(JSON.stringify({ addr, nfacct: nfacctMember }), 'host.json');
}

const RULES = parseRuleset(
  `*filter
-A FORWARD -m nfacct --nfacct-name all
-A FORWARD -m length --length 100: -m nfacct --nfacct-name "large ones"
-A FORWARD -m nfacct --nfacct-name all -m length --length 100:
COMMIT
`,
  'rules.v4',
);

/** Forwards datagrams of these LENGTHS in IP, 10 ms apart. */
function counted(names: unknown, engine: (typeof EMULATOR_ENGINES)[number], lengths: readonly number[]) {
  const host = hostWith(names);
  const emulator = createEmulator({ ruleset: RULES, host, engine }, { egress() {}, local() {}, dropped() {} });
  for (const [i, length] of lengths.entries()) {
    const ends = { source: '10.0.0.2', destination: '10.1.0.2', sport: 4000, dport: 53 };
    const bytes = udpPacket({ ...ends, data: new Uint8Array(length - 28) });
    emulator.receive(new Frame({ bytes, dev: 0, linktype: Linktype.RAW, tsSec: 0, tsNsec: i * 1e7 }));
  }
  return { accounting: emulator.accounting, assumed: host.assumed() };
}

for (const engine of EMULATOR_ENGINES) {
  nfacct(`${engine}: every packet that gets as far is counted, each time`, () => {
    const { accounting, assumed } = counted(['unused', 'large ones', 'all'], engine, [50, 200, 50, 100, 50]);
    assert.equal(accounting, [
      { name: 'unused', packets: 0, bytes: 0 },
      { name: 'large ones', packets: 2, bytes: 300 },
      { name: 'all', packets: 10, bytes: 900 },
    ]);
    assert.not(assumed.some((line) => line.includes('accounting')));
  });
}

nfacct('without a list of objects, those that rules name are assumed', () => {
  const { accounting, assumed } = counted(undefined, 'remembered', [50]);
  assert.equal(accounting, [
    { name: 'all', packets: 2, bytes: 100 },
    { name: 'large ones', packets: 0, bytes: 0 },
  ]);
  assert.equal(
    assumed.filter((line) => line.includes('accounting')),
    ['the accounting object all exists (`nfacct`)'],
  );
});

nfacct('an object that the host does not have is refused, with the line of the rule', () => {
  assert.throws(
    () => counted(['all'], 'remembered', []),
    (error: unknown) =>
      error instanceof RulesetError &&
      error.line === 3 &&
      error.message === 'rules.v4:3:1: -m nfacct: the host has no accounting object large ones; expected: all',
  );
});

nfacct('names are of 1 to 31 bytes', () => {
  for (const name of ['', 'x'.repeat(32), 5]) {
    assert.throws(
      () => hostWith([name]),
      (error: unknown) => error instanceof HostError,
    );
  }
  hostWith(['x'.repeat(31)]);
});

nfacct.run();
