/** An emulated router between eth0 and eth1, for tests of what was left to network cards. */
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, type Emulator, type EmulatorOptions } from '../../core/emulator.js';
import { type Host, loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';

/** A neighbour on each side. */
export const NEAR = '10.0.0.9';
export const FAR = '10.0.1.9';

export interface RouterOptions extends Partial<EmulatorOptions> {
  sysctl?: Record<string, number>;
  /** Of eth0 and eth1. */
  mtus?: readonly [number, number];
}

export class Router {
  readonly emulator: Emulator;
  /** The IP packets that left, and those that were delivered to the host itself. */
  readonly sent: Buffer[] = [];
  readonly delivered: Buffer[] = [];
  readonly #host: Host;

  constructor(rules: string, { sysctl = {}, mtus = [1500, 1500], ...options }: RouterOptions = {}) {
    const addr = ['10.0.0.1', '10.0.1.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:01:00:00:00:0${i + 1}`,
      mtu: mtus[i],
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    }));
    this.#host = loadHost(JSON.stringify({ addr, sysctl }), 'host.json');
    this.emulator = createEmulator(
      { ruleset: parseRuleset(rules, 'rules.v4'), host: this.#host, checksums: 'auto', ...options },
      {
        egress: (_dev, bytes, at, available) => this.sent.push(Buffer.from(bytes.slice(at + 14, at + available))),
        local: (bytes, at, available) => this.delivered.push(Buffer.from(bytes.slice(at, at + available))),
        dropped() {},
      },
    );
  }

  /** Lets PACKET arrive; LENGTH: its length on the wire. Returns the packets that left because of it. */
  receive(packet: Uint8Array, dev = 'eth0', length = packet.length): Buffer[] {
    const frame = new Frame({ dev: this.#host.interfaceIndex(dev), linktype: Linktype.RAW });
    frame.setBytes(Uint8Array.from(packet), length);
    const before = this.sent.length;
    this.emulator.receive(frame);
    return this.sent.slice(before);
  }

  /** Sends PACKET from the host itself. Returns the packets that left because of it. */
  send(packet: Uint8Array): Buffer[] {
    const before = this.sent.length;
    this.emulator.send(new Frame({ bytes: Uint8Array.from(packet), linktype: Linktype.RAW }));
    return this.sent.slice(before);
  }
}
