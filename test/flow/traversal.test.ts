/**
 * Packets that are said to go the same way as another one do: random rules and packets, others drawn from what was
 * learned, each of which goes through a host of its own with the same connections.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describeCause } from '../../core/drop.js';
import { createEmulator } from '../../core/emulator.js';
import type { PacketEvent } from '../../core/events.js';
import { fitsArrival, fitsConnection, type Traversal } from '../../core/flow/traversal.js';
import { createTraversalEmulator, type TraversalEmulator } from '../../core/flow/traversal-recorder.js';
import { Hook, type HookEntry, Priority, Verdict } from '../../core/hooks.js';
import { type Packet, PacketType } from '../../core/packet.js';
import type { Ruleset } from '../../core/rules/model.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { udpPacket } from '../packets/packets.js';
import { seededRandom, testSeed } from '../random.js';
import {
  type Arrival,
  answerTo,
  drawOther,
  enter,
  HOST,
  packetOfArrival,
  randomArrival,
  randomRules,
} from './random-arrivals.js';

const Traversals = suite('traversals');
const seed = testSeed();

/** What of EVENT is the same for all that go the same way; undefined: nothing. */
function wayOf(event: PacketEvent): string | undefined {
  if (event.depth > 0) return undefined;
  switch (event.kind) {
    case 'hook':
      return event.hook;
    case 'rule': {
      const { table, rule } = event;
      return event.isMatched || event.isHotdrop ? `${table} ${rule.chain} ${rule.number}` : undefined;
    }
    case 'policy':
      return `policy ${event.table} ${event.chain.name}`;
    case 'routed':
      return `to ${event.to} ${event.dev} ${event.reason}`;
    case 'translated': {
      const { end, from, to } = event;
      return `${end} ${from.address === to.address ? `:${to.port}` : to.address}`;
    }
    case 'dropped':
      return `dropped ${describeCause(event.cause)}`;
    case 'left':
      return `left ${event.dev}`;
    default:
      return undefined;
  }
}

const OUTPUT = { egress() {}, local() {}, dropped() {} };

/** What OTHER meets behind HISTORY; undefined where conntrack does not say of it what TRAVERSAL takes as given. */
function wayBehind(
  ruleset: Ruleset,
  history: readonly Arrival[],
  traversal: Traversal,
  { context }: TraversalEmulator,
  other: Arrival,
): string[] | undefined {
  let way: string[] = [];
  let isFit: boolean | undefined;
  let isLast = false;
  let depth = 0;
  const check = (packet: Packet): Verdict => {
    if (isLast && depth === 0)
      isFit ??= fitsConnection(traversal, packet, { ...context, conntrack: emulator.connections });
    return Verdict.ACCEPT;
  };
  const hookEntries = [Hook.PREROUTING, Hook.OUTPUT].map(
    (hook): HookEntry => ({ name: 'check', hook, priority: Priority.CONNTRACK, run: check }),
  );
  const observer = (event: PacketEvent): void => {
    if (event.kind === 'hook') depth = event.depth;
    const step = wayOf(event);
    if (step !== undefined) way.push(step);
  };
  const emulator = createEmulator({ ruleset, host: HOST, hookEntries, observer }, OUTPUT);
  for (const [i, arrival] of history.entries()) enter(emulator, arrival, i);
  way = [];
  isLast = true;
  enter(emulator, other, history.length);
  return isFit === false ? undefined : [...way, `outcome ${emulator.outcome}`];
}

const ROUNDS = 30;
/** What others have to have met. */
const ENDS = [
  ...['forwarded', 'sent', 'delivered', 'rejected', 'dropped by rule', 'dropped by policy', 'dropped by rule-header'],
  ...['dropped by ttl-exceeded', 'dropped by fragmentation-needed', 'dropped by martian-source'],
  ...['connection none', 'connection opened', 'connection known', 'connection undefined'],
  ...['translated opened', 'translated known'],
];

function endKind({ end }: Traversal): string {
  if (end.kind !== 'dropped') return end.kind;
  return `dropped by ${end.cause.reason}`;
}

Traversals('a test behind one that drops the packet and matches does not drop it itself', () => {
  // An SCTP packet without a chunk: hotdrop, which the negation turns into a match.
  const text =
    '*filter\n-A INPUT -p sctp -m sctp ! --chunk-types any ALL -m physdev --physdev-is-in -j ACCEPT\nCOMMIT\n';
  const learner = createTraversalEmulator({ ruleset: parseRuleset(text, 'r'), host: HOST }, OUTPUT);
  const bytes = Buffer.from('45020020000140003f8427550a0000020a00000101bb00000000000160ee8f40', 'hex');
  const arrival = { bytes, dev: 1, type: PacketType.HOST };
  enter(learner.emulator, arrival, 0);
  assert.is(learner.last?.end.kind, 'dropped');
  assert.ok(fitsArrival(learner.last!, packetOfArrival(arrival), learner.context));
});

Traversals(`others go the same way to the same end, whatever it is (seed ${seed})`, () => {
  const others = new Map<string, number>();
  let all = 0;
  let alone = 0;
  const note = (key: string): void => void others.set(key, (others.get(key) ?? 0) + 1);
  const isMissing = (): boolean => ENDS.some((end) => !others.has(end));
  for (let round = 0; round < ROUNDS || (isMissing() && round < 10 * ROUNDS); round++) {
    const random = seededRandom(seed + round);
    const text = randomRules(random);
    const ruleset = parseRuleset(text, 'random');
    let way: string[] = [];
    const observer = (event: PacketEvent): void => {
      const step = wayOf(event);
      if (step !== undefined) way.push(step);
    };
    const learner = createTraversalEmulator({ ruleset, host: HOST, observer }, OUTPUT);
    const history: Arrival[] = [];
    for (let i = 0; i < 6; i++) {
      const before = history.at(-1);
      const choice = before === undefined ? 0 : random(3);
      const arrival =
        before === undefined || choice === 0 ? randomArrival(random) : choice === 1 ? before : answerTo(random, before);
      way = [];
      enter(learner.emulator, arrival, i);
      const expected = [...way, `outcome ${learner.emulator.outcome}`];
      const { last } = learner;
      all++;
      if (last === undefined || last.alone !== undefined) alone++;
      else {
        const itself = `the packet itself, seed ${seed + round}, ${arrival.bytes.toString('hex')}\n${text}`;
        assert.ok(fitsArrival(last, packetOfArrival(arrival), learner.context), itself);
        // Of a new connection, no other one may have the ports.
        const past = last.connection?.kind === 'opened' ? [] : history;
        for (let n = 0; n < 10; n++) {
          const other = n === 0 ? arrival : drawOther(random, arrival, last);
          if (!fitsArrival(last, packetOfArrival(other), learner.context)) continue;
          const got = wayBehind(ruleset, past, last, learner, other);
          const where = `seed ${seed + round}, packet ${i}, other ${n}: ${other.bytes.toString('hex')}\n${text}`;
          if (n === 0) assert.ok(got, `conntrack says the same of the packet itself, ${where}`);
          if (got === undefined) continue;
          assert.equal(got, expected, where);
          if (other.bytes.equals(arrival.bytes)) continue;
          note(endKind(last));
          note(`connection ${last.connection?.kind}`);
          if (expected.some((step) => /^(source|destination) /.test(step))) note(`translated ${last.connection?.kind}`);
        }
      }
      history.push(arrival);
    }
  }
  assert.equal(
    ENDS.filter((end) => !others.has(end)),
    [],
    'every end is reached',
  );
  assert.ok(alone < all / 4, `of ${alone} of ${all} nothing was said`);
});

const RULES = `*mangle
-A PREROUTING -m ttl --ttl-lt 5 -j DROP
-A FORWARD -m ttl --ttl-gt 99 -j DROP
COMMIT
*nat
-A PREROUTING -d 192.168.1.254/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.9
-A POSTROUTING -o docker0 -j MASQUERADE
COMMIT
*filter
-A FORWARD -s 10.0.0.128/25 -j DROP
-A FORWARD -d 10.1.0.0/24 -m conntrack --ctorigsrcport 1000:1999 -j ACCEPT
COMMIT
`;

Traversals('what others may be, in terms of the packet as it arrives, and which rule says so', () => {
  const ruleset = parseRuleset(RULES, 'rules.v4');
  const learner = createTraversalEmulator({ ruleset, host: HOST }, OUTPUT);
  const bytes = udpPacket({ source: '10.0.0.5', destination: '192.168.1.254', sport: 1234, dport: 53, ttl: 64 });
  enter(learner.emulator, { bytes, dev: HOST.interfaceIndex('eth1'), type: PacketType.HOST }, 0);
  const { end, fields, narrowedBy, connection, alone } = learner.last!;
  assert.is(alone, undefined);
  assert.equal(end, { kind: 'forwarded', dev: 'docker0' });
  assert.is(connection?.kind, 'opened');
  const said = [...fields].map(([name, { ranges }]) => {
    const values = ranges.map(({ min, max }) => (min === max ? `${min}` : `${min}-${max}`)).join(',');
    const by = narrowedBy.get(name)?.map((one) => (typeof one === 'string' ? one : `rule ${one.line}`));
    return `${name} ${values} (${by?.join(', ')})`;
  });
  const address = (a: number, b: number, c: number, d: number): number => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const [first, last] = [address(10, 0, 0, 2), address(10, 0, 0, 127)];
  assert.equal(
    said.sort(),
    [
      'dport 53 (rule 6)',
      `destination ${address(192, 168, 1, 254)} (rule 6)`,
      // Without the host's own address; as it arrives, so the TTL is one more than in FORWARD.
      `source ${first}-${last} (route, rule 10)`,
      'protocol 17 (rule 6)',
      'sport 1000-1999 (rule 11)',
      `inDev ${HOST.interfaceIndex('eth1') + 1} (route)`,
      'packetType 0 (route)',
      'ttl 5-100 (rule 2, ttl, rule 3)',
      'length 0-1500 (mtu)',
    ].sort(),
  );
});

Traversals(
  'what is said of the ports of a new connection excludes packets without ports: it has other numbers there',
  () => {
    const rule = '-A FORWARD -m conntrack ! --ctorigdstport 1000:65535 -j ACCEPT';
    const ruleset = parseRuleset(`*filter\n${rule}\nCOMMIT\n`, 'rules.v4');
    const learner = createTraversalEmulator({ ruleset, host: HOST }, OUTPUT);
    const bytes = udpPacket({ source: '10.0.0.5', destination: '10.1.0.9', sport: 1234, dport: 2000, ttl: 64 });
    enter(learner.emulator, { bytes, dev: HOST.interfaceIndex('eth1'), type: PacketType.HOST }, 0);
    const { fields, alone } = learner.last!;
    assert.is(alone, undefined);
    assert.equal(fields.get('dport'), { ranges: [{ min: 1000, max: 65535 }], orAbsent: false });
  },
);

Traversals(
  'nothing is said of others where DNAT had to choose a port because another connection has the usual one',
  () => {
    const rule = '-A PREROUTING -p udp -j DNAT --to-destination 10.1.0.9:50-60';
    const ruleset = parseRuleset(`*nat\n${rule}\nCOMMIT\n`, 'rules.v4');
    const learner = createTraversalEmulator({ ruleset, host: HOST }, OUTPUT);
    const alone = [1, 2].map((last) => {
      const destination = `192.168.1.${last}`;
      const bytes = udpPacket({ source: '10.0.0.5', destination, sport: 1234, dport: 53, ttl: 64 });
      enter(learner.emulator, { bytes, dev: HOST.interfaceIndex('eth1'), type: PacketType.HOST }, last);
      return learner.last?.alone?.reason;
    });
    assert.equal(alone, [undefined, 'chosen-translation']);
  },
);

Traversals.run();
