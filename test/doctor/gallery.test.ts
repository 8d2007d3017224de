// doctor finds failures of the gallery (docs/gallery.md) in the captures and rules of those who reported them, and no
// longer in the mended cases.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diagnose } from '../../explain/doctor/diagnose.js';
import { type GoldenCase, optionsOf, readCase } from '../../replay/golden-case.js';
import { mendedCase } from '../golden/mended-case.js';

const Doctor = suite('doctor in the gallery');

const FOUND: Readonly<Record<string, string>> = {
  'dnat-to-loopback': 'martian',
  'docker-rules-gone-after-iptables-restart': 'docker-rules-gone',
  'hairpin-without-masquerade': 'hairpin',
  'icmp-type-8-only-breaks-path-mtu': 'path-mtu',
  'invalid-segment-escapes-nat': 'invalid-escapes',
  'libvirt-rejects-before-the-hook': 'accept-after-reject',
  'masquerade-with-one-port': 'nat-ports',
  'rp-filter-drops-by-second-uplink': 'reverse-path',
  'sip-call-after-udp-timeout': 'timed-out',
  'stale-udp-connection-after-scale-down': 'outdated-connection',
};

function codesOf(golden: GoldenCase): string[] {
  const steps = diagnose(optionsOf(golden));
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value.findings.map(({ code }) => code);
  }
}

for (const [name, code] of Object.entries(FOUND)) {
  Doctor(`${name}: ${code}, and not once it is mended`, () => {
    const dir = join('pcaps', name);
    assert.ok(codesOf(readCase(dir)).includes(code));
    const parent = mkdtempSync(join(tmpdir(), 'nfreplay-gallery-'));
    try {
      assert.not.ok(codesOf(mendedCase(dir, join(parent, 'mended'))).includes(code));
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  });
}

Doctor.run();
