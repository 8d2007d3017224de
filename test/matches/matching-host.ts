/** A host between 10.0.0.0/24 and 10.1.0.0/24 that tells which of its rules a packet matched. */
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator, type Emulator, type EmulatorEngine, type Outcome } from '../../core/emulator.js';
import type { TableName } from '../../core/hooks.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import type { PacketType } from '../../core/packet.js';
import type { Backend, Ruleset, Table, TableCounters } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { withTables } from '../../core/rules/rule-change.js';

export interface MatchingHostOptions {
  readonly engine?: EmulatorEngine;
  readonly sysctl?: Readonly<Record<string, number>>;
  readonly backend?: Backend;
}

export class MatchingHost {
  readonly #emulator: Emulator;
  #table: Table;
  #timeMs = 0;

  /** RULES: a table, as iptables-save text or as it was read. */
  constructor(
    rules: string | Ruleset,
    { engine = 'interpreter', sysctl = {}, backend = 'legacy' }: MatchingHostOptions = {},
  ) {
    const addr = ['10.0.0.1', '10.1.0.1'].map((local, i) => ({
      ifname: `eth${i}`,
      address: `02:00:00:00:00:1${i}`,
      mtu: 1500,
      addr_info: [{ family: 'inet', local, prefixlen: 24 }],
    }));
    const host = loadHost(JSON.stringify({ addr, sysctl }), 'host.json');
    const ruleset = typeof rules === 'string' ? parseRuleset(rules, 'rules.v4', { backend }) : rules;
    this.#table = ruleset.tables[0];
    this.#emulator = createEmulator({ ruleset, host, engine }, { egress() {}, local() {}, dropped() {} });
  }

  /** Loads RULES, a table, as iptables-restore does. */
  replaceRules(rules: string): void {
    const ruleset = withTables(this.#emulator.ruleset, parseRuleset(rules, 'rules.v4'));
    this.#emulator.replaceRules({ ruleset });
    this.#table = ruleset.tables.find(({ name }) => name === 'filter')!;
  }

  get counters(): ReadonlyMap<TableName, TableCounters> {
    return this.#emulator.counters;
  }

  get outcome(): Outcome {
    return this.#emulator.outcome;
  }

  /** Receives PACKET on interface DEV, MS after the last, and returns the numbers (from 0) of the rules it matched. */
  receive(dev: number, packet: Uint8Array, ms: number, type?: PacketType): number[] {
    this.#timeMs += ms;
    const { rules } = this.#emulator.counters.get(this.#table.name)!;
    const before = Float64Array.from(rules);
    const [tsSec, tsNsec] = [Math.floor(this.#timeMs / 1000), Math.round((this.#timeMs % 1000) * 1e6)];
    const bytes = Uint8Array.from(packet);
    const frame = new Frame({ bytes, dev, linktype: Linktype.RAW, tsSec, tsNsec });
    if (type !== undefined) frame.packetType = type;
    this.#emulator.receive(frame);
    return [...this.#table.rules.keys()].filter((rule) => rules[rule * 2] > before[rule * 2]);
  }
}
