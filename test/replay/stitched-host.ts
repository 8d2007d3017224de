/** An emulated host that is given captured packets, as a replay of whole conversations gives them. */

import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, type Emulator, Outcome } from '../../core/emulator.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { STITCH_LOCAL, STITCH_SKIPPED, Stitcher } from '../../replay/stitch/stitcher.js';
import { type HostFile, hostOf } from '../host/host-file.js';
import { flowOf } from './flow-text.js';

const OUTCOMES = Object.fromEntries(Object.entries(Outcome).map(([name, outcome]) => [outcome, name.toLowerCase()]));

export class StitchedHost {
  readonly emulator: Emulator;
  readonly stitcher: Stitcher;
  /** What left, and what reached the host, because of the last packet. */
  outputs: Buffer[] = [];
  /** The last packet as it entered. */
  entered: Buffer = Buffer.alloc(0);
  readonly #names: readonly string[];

  constructor(rules: string, file: HostFile) {
    const host = hostOf(file);
    this.#names = host.interfaceNames;
    const keep = (bytes: Uint8Array, at: number, available: number): void => {
      this.stitcher.noteOutput(bytes[at + 9]);
      this.outputs.push(Buffer.from(bytes.subarray(at, at + available)));
    };
    const ruleset = parseRuleset(rules, 'rules.v4');
    this.emulator = createEmulator(
      { ruleset, host },
      { egress: (_, bytes, at, available) => keep(bytes, at + 14, available - 14), local: keep, dropped() {} },
    );
    this.stitcher = new Stitcher(this.emulator.connections, host, ruleset);
  }

  /**
   * Takes the IPv4 PACKET, captured at SECONDS. Returns where it entered, as what, and what became of it: `wan
   * 203.0.113.7:1024 > 192.0.2.10:80 forwarded`; or why it did not enter.
   */
  take(packet: Uint8Array, seconds = 0): string {
    const bytes = Buffer.alloc(14 + packet.length);
    bytes.set(packet, 14);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const tsSec = Math.floor(seconds);
    const tsNsec = Math.round((seconds - tsSec) * 1e9);
    this.outputs = [];
    const dev = this.stitcher.place(view, 14, packet.length, tsSec, tsNsec);
    if (dev === STITCH_SKIPPED) return this.stitcher.skip;
    this.entered = Buffer.from(bytes.subarray(14));
    const frame = new Frame({ dev, linktype: Linktype.RAW, tsSec, tsNsec, bytes: bytes.subarray(14) });
    if (dev === STITCH_LOCAL) this.emulator.send(frame);
    else this.emulator.receive(frame);
    const { outcome } = this.emulator;
    this.stitcher.settle(outcome);
    return `${dev === STITCH_LOCAL ? 'local' : this.#names[dev]} ${flowOf(this.entered)} ${OUTCOMES[outcome]}`;
  }
}
