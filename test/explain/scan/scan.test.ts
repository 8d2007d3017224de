/**
 * What a scan says of all ports: random rules, and single packets, drawn from all that it says something about, each
 * sent through a fresh host of its own whose counters and output tell what became of it.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLoaded, toLoaded } from '../../../codecs/byte-order.js';
import { DESTINATION_PORT_AT, IPV4_DESTINATION_AT, IPV4_LENGTH } from '../../../codecs/layouts.js';
import { createEmulator } from '../../../core/emulator.js';
import { Hook } from '../../../core/hooks.js';
import { type Host, loadHost } from '../../../core/host/host.js';
import { Outcome } from '../../../core/outcome.js';
import type { Ruleset } from '../../../core/rules/model.js';
import { parseRuleset } from '../../../core/rules/parse/parse.js';
import { HostSets } from '../../../core/sets/host-sets.js';
import type { Fate, TargetPorts } from '../../../explain/scan/model.js';
import { AS_CLIENTS } from '../../../explain/scan/other-packets.js';
import { CLIENT_PORT, type ProbePacket, probeFrame } from '../../../explain/scan/probe-packet.js';
import { type Scan, scanHost } from '../../../explain/scan/scan.js';
import { scanSources } from '../../../explain/scan/scan-sources.js';
import { ScanTargets } from '../../../explain/scan/scan-targets.js';
import { pick, type Random, seededRandom, testSeed } from '../../random.js';
import { randomScanRules, SCANNED_HOST, SCANNED_SETS } from './random-scan.js';

const Scans = suite('scans');
const seed = testSeed();
const ROUNDS = 6;
const KINDS = ['delivered', 'forwarded', 'dropped', 'rejected', 'forwarded translated', 'delivered translated'];
const NOW_SEC = 1_700_000_000;

const hostOf = (): Host => loadHost(JSON.stringify(SCANNED_HOST), 'host.json');
const setsOf = (host: Host): HostSets => HostSets.of(host, [{ text: SCANNED_SETS, file: 'sets' }], 0);

function scanOf(ruleset: Ruleset, given: readonly string[] = [], host = hostOf()): Scan {
  const probed = { host, ruleset, sets: () => setsOf(host), seed: 0, queueVerdict: undefined, tsSec: NOW_SEC };
  return scanHost([probed], scanSources(host, given), new ScanTargets(host, [ruleset], new Map()));
}

/** What became of PACKET on a fresh host, as its output and its counters tell. */
function replayed(ruleset: Ruleset, packet: ProbePacket): { end: string; to: string | undefined; by: string } {
  const host = hostOf();
  let destination: string | undefined;
  const note = (bytes: Uint8Array, at: number): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const port = view.getUint16(at + IPV4_LENGTH + DESTINATION_PORT_AT);
    destination ??= `${formatLoaded(view.getInt32(at + IPV4_DESTINATION_AT, true))}:${port}`;
  };
  const emulator = createEmulator(
    { ruleset, host, sets: setsOf(host), engine: 'interpreter' },
    {
      egress: (dev, bytes, at) => note(bytes, at + host.interfaces[dev].linkLength),
      local: note,
      dropped: (drop, bytes, at) => {
        destination = undefined;
        if (drop.isTranslated) note(bytes, at);
      },
    },
  );
  emulator.receive(probeFrame(host, packet, NOW_SEC));
  const end = ENDS.get(emulator.outcome) ?? 'other';
  const { dropCause } = emulator;
  const isDropped = end === 'dropped' || end === 'rejected';
  const by = isDropped
    ? `${dropCause?.reason} ${dropCause?.rule?.line ?? dropCause?.policy?.line}`
    : deciderOf(emulator, end === 'delivered' ? Hook.INPUT : Hook.FORWARD);
  const own = `${formatLoaded(toLoaded(packet.destination))}:${packet.dport}`;
  return { end, to: destination === own ? undefined : destination, by };
}

const ENDS: ReadonlyMap<Outcome, string> = new Map([
  [Outcome.FORWARDED, 'forwarded'],
  [Outcome.DELIVERED, 'delivered'],
  [Outcome.DROPPED, 'dropped'],
  [Outcome.REJECTED, 'rejected'],
]);

/** The one rule or policy of the filter table that let the only packet of EMULATOR pass at HOOK. */
function deciderOf({ ruleset, counters }: ReturnType<typeof createEmulator>, hook: Hook): string {
  const table = ruleset.tables.find(({ name }) => name === 'filter');
  const counted = counters.get('filter');
  if (table === undefined || counted === undefined) return 'none';
  if (counted.policies[hook * 2] > 0) return `policy ${table.chains.find((chain) => chain.hook === hook)!.line}`;
  const accepting = table.rules.filter(
    ({ index, target }) => counted.rules[index * 2] > 0 && target.kind === 'verdict' && target.verdict === 1,
  );
  return accepting.map(({ line }) => `rule ${line}`).join();
}

/** The same of FATE, as the scan says it of PORT. */
function said({ end, to, decidedBy }: Fate, port: number): { end: string; to: string | undefined; by: string } {
  const line = decidedBy?.rule?.line ?? decidedBy?.policy?.line;
  const by = decidedBy === undefined ? 'none' : `${decidedBy.reason} ${line}`;
  return { end, to: to === undefined ? undefined : `${to.address}:${to.port ?? port}`, by };
}

/** A port at the edge of what shares a fate, or any. */
function drawPort(random: Random, { ports }: TargetPorts): { port: number; fate: Fate } {
  const { first, last, fate } = pick(random, ports);
  return { port: pick(random, [first, last, first + random(last - first + 1)]), fate };
}

Scans(`each port has the fate that a packet to it meets on a fresh host (seed ${seed})`, () => {
  const met = new Map<string, number>();
  const isMissing = (): boolean => KINDS.some((kind) => !met.has(kind));
  for (let round = 0; round < ROUNDS || (isMissing() && round < 10 * ROUNDS); round++) {
    const random = seededRandom(seed + round);
    const text = randomScanRules(random);
    const ruleset = parseRuleset(text, 'rules');
    const scan = scanOf(ruleset, [pick(random, ['eth0', 'eth1', 'docker0'])]);
    for (const { source, groups } of scan.sources) {
      for (const { sides } of groups)
        for (const { ports } of sides[0]) {
          assert.is(ports[0].first, 0);
          assert.is(ports.at(-1)?.last, 65535);
          for (let i = 1; i < ports.length; i++) assert.is(ports[i].first, ports[i - 1].last + 1);
        }
      for (let n = 0; n < 40; n++) {
        const group = pick(random, groups);
        const found = pick(random, group.sides[0]);
        const { port, fate } = drawPort(random, found);
        const { min, max } = pick(random, group.addresses);
        const sender = pick(random, [min, max, min + random(max - min + 1)]);
        const { target, protocol } = found;
        const ends = { source: sender, destination: target.number, sport: CLIENT_PORT, dport: port };
        const packet = { dev: source.dev, protocol, ...ends, other: AS_CLIENTS };
        if (fate.verdict === 'unknown') continue;
        const packetText = `${source.from} ${protocol} ${formatLoaded(toLoaded(sender))} > ${target.address}:${port}`;
        const where = `seed ${seed + round}: ${packetText}`;
        assert.equal(said(fate, port), replayed(ruleset, packet), `${where}\n${text}`);
        const kind = `${fate.end}${fate.to === undefined ? '' : ' translated'}`;
        met.set(kind, (met.get(kind) ?? 0) + 1);
      }
    }
  }
  assert.not(isMissing(), `every kind of fate is met: ${[...met.keys()].join(', ')}`);
});

Scans.run();
