/**
 * The packets that take the same path through the host as one packet, while that packet is followed: what each table
 * and each part of the host tests is traced back to the fields of the packet on arrival.
 *
 * A field that has become the same for all packets of the set, because a rule set it, no longer narrows the set.
 */
import { type Address, addressFromHostOrder } from '../../codecs/address.js';
import { toHostOrder, toLoaded } from '../../codecs/byte-order.js';
import { IPPROTO_DCCP } from '../../codecs/layouts.js';
import { Status } from '../conntrack/record.js';
import { ABSENT, type FieldName, fieldRow, readField, type ValueField } from '../fields.js';
import { Hook, type TableName, Verdict } from '../hooks.js';
import type { Host } from '../host/host.js';
import { Manip, type NatRange } from '../nat/range.js';
import type { Packet } from '../packet.js';
import type { FieldCondition } from '../rules/condition.js';
import type { RuleContext } from '../rules/context.js';
import { type EffectPlanner, effectOf } from '../rules/effect.js';
import type { Rule } from '../rules/model.js';
import type { ValueRange } from '../rules/ranges.js';
import { allBut, type FieldValues, fromTo, Narrowing, onlyValue } from './narrowing.js';
import type { NativeResult, SameOutcome } from './same-outcome.js';
import {
  type Alone,
  type AloneReason,
  type GivenConnection,
  type GivenResult,
  givenConnection,
  hasDontFragment,
  type Narrower,
} from './traversal.js';
import type { TraversalAssumptions } from './traversal-recorder.js';

/** What NAT can change in a packet. */
const ENDS = ['source', 'destination', 'sport', 'dport'] as const;
type End = (typeof ENDS)[number];

/** The connection's fields, by the fields of the packet that opens it. */
const OPENED_FROM = {
  ctOriginalSource: 'source',
  ctOriginalDestination: 'destination',
  ctOriginalSport: 'sport',
  ctOriginalDport: 'dport',
  ctReplySource: 'destination',
  ctReplyDestination: 'source',
  ctReplySport: 'dport',
  ctReplyDport: 'sport',
} as const satisfies Partial<Record<ValueField, End>>;

const CONNECTION_FIELDS: ReadonlySet<ValueField> = new Set(['ctstatus', 'ctprotocol', 'ctmark', 'ctexpire']);
/** Fields that are given, follow from the path so far, or were translated. */
const SAME_FOR_ALL: ReadonlySet<ValueField> = new Set([
  ...(['ctinfo', 'ctstate', 'ctdirection', 'outDev', 'inDev', 'mark', 'cpu', 'realms'] as const),
  ...ENDS,
]);

/** Fields of which tests make something of the destination port. */
const LOOKS_AT_PORTS: ReadonlySet<FieldName> = new Set(['dport', 'content', 'socket', 'icmpQuote'] as const);

const LOCALHOST = addressFromHostOrder(0x7f000001);
const HIGHEST_TTL = 255;
const HIGHEST_LENGTH = 0xffff;

export class TraversalSet {
  readonly arrival = new Narrowing<Narrower>();
  readonly connection = new Narrowing<Narrower>();
  readonly conditions: FieldCondition[] = [];
  readonly nativeResults: NativeResult[] = [];
  readonly givenResults: GivenResult[] = [];
  readonly matched: Rule[] = [];
  header: { readonly isWhole: boolean; readonly l4Available: number } | undefined;
  dontFragment: boolean | undefined;
  isTranslated = false;
  given: GivenConnection | undefined;
  alone: Alone | undefined;
  readonly #host: Host;
  readonly #context: RuleContext;
  /** The packet in its current state. */
  readonly #packet: Packet;
  readonly #isLocal: boolean;
  readonly #assumptions: Pick<TraversalAssumptions, 'anySource' | 'portsWith'>;
  /** The destination ports with the same results of tests (`answer`). */
  readonly #ports = new Map<NativeResult, readonly ValueRange[]>();
  /** The ends that are now the same for all packets of the set. */
  readonly #translated = new Set<End>();
  #ends: Record<End, number>;
  #ttlSpent = 0;
  /** Whether rules have set the connection's mark to the same value for all. */
  #isCtmarkSet = false;

  constructor(
    host: Host,
    context: RuleContext,
    packet: Packet,
    isLocal: boolean,
    assumptions: Pick<TraversalAssumptions, 'anySource' | 'portsWith'> = {},
  ) {
    this.#assumptions = assumptions;
    this.#host = host;
    this.#context = context;
    this.#packet = packet;
    this.#isLocal = isLocal;
    this.#ends = endsOf(packet);
  }

  /** Gives up on other packets for REASON. */
  leaveAlone(reason: AloneReason, table?: TableName, hook?: Hook): void {
    if (this.alone !== undefined) return;
    this.alone = { reason, ...(table === undefined ? {} : { table }), ...(hook === undefined ? {} : { hook }) };
  }

  /** Conntrack has processed the packet. Its result is given. */
  track(): void {
    const given = givenConnection(this.#packet, this.#context, false);
    this.given = given;
    // Which ends NAT has processed, and how.
    if (given.kind === 'known') this.connection.narrow('ctstatus', this.#own('ctstatus'), ['connection']);
  }

  /** The packet passed a table with OUTCOME. */
  pass(outcome: SameOutcome): void {
    this.matched.push(...outcome.matched);
    this.header ??= { isWhole: outcome.isWhole, l4Available: outcome.l4Available };
    for (const [name, values] of outcome.fields) this.#carry(name, values, outcome.narrowedBy.get(name) ?? []);
    for (const condition of outcome.conditions) {
      if (this.#isAsArrived(condition.field)) this.conditions.push(condition);
      else this.#carry(condition.field, this.#own(condition.field), ['mask']);
    }
    for (const result of outcome.nativeResults) this.#passTest(result);
    if (outcome.matched.some((rule) => effectOf(rule) === 'connection')) this.#isCtmarkSet = true;
  }

  /** Called before the packet passes a table with OUTCOME, while it still is as the tests there see it. */
  answer({ nativeResults }: SameOutcome): void {
    const { portsWith } = this.#assumptions;
    if (portsWith === undefined || this.#translated.has('dport')) return;
    for (const test of nativeResults)
      if (test.native.check !== undefined && test.native.reads.some((name) => LOOKS_AT_PORTS.has(name)))
        this.#ports.set(test, portsWith(test, this.#packet, this.#context));
  }

  #passTest(test: NativeResult): void {
    const { check, reads } = test.native;
    const asArrived = ENDS.filter((end) => !this.#translated.has(end));
    if (check === undefined) return void this.givenResults.push({ ...test, asArrived });
    if (this.#assumptions.portsWith === undefined) {
      if (reads.every((name) => this.#isAsArrived(name))) this.nativeResults.push(test);
      else this.leaveAlone('rule-state');
      return;
    }
    this.givenResults.push({ ...test, asArrived });
    const ports = this.#ports.get(test);
    if (ports !== undefined) this.arrival.narrow('dport', { ranges: ports, orAbsent: false }, [test.rule]);
    if (asArrived.includes('destination')) this.arrival.narrow('destination', this.#own('destination'), [test.rule]);
  }

  /** The packet was routed by its current addresses. */
  route(): void {
    this.#narrowToSpan('source', ['route']);
    this.#narrowToSpan('destination', ['route']);
    this.#narrowToRouted();
    if (this.#isLocal) return;
    for (const name of ['inDev', 'packetType'] as const) this.arrival.narrow(name, this.#own(name), ['route']);
  }

  /** Rules of the host's routing look at more than addresses. */
  #narrowToRouted(): void {
    const { tos, protocol, ports, hash } = this.#host.routingReads;
    const own = (name: 'tos' | 'protocol' | End): void => {
      if (this.#isAsArrived(name)) this.arrival.narrow(name, this.#own(name), ['route']);
    };
    if (tos) own('tos');
    if (protocol || hash) own('protocol');
    if (hash) for (const end of ENDS) own(end);
    if (!ports) return;
    for (const name of ['sport', 'dport'] as const) {
      if (this.#translated.has(name)) continue;
      // Packets without ports are routed like those with port 0.
      const { min, max } = this.#host.routedPorts(Math.max(this.#ends[name], 0));
      this.arrival.narrow(name, { ranges: [{ min, max }], orAbsent: min === 0 }, ['route']);
    }
  }

  /** The host's own packet now has a source. Packets sent without a source are excluded. */
  haveSource(): void {
    this.arrival.narrow('source', allBut('source', 0), ['source']);
  }

  /** The packet is to be forwarded and has TTL left or, if not HAS_LEFT, has none. */
  spendTtl(hasLeft: boolean): void {
    this.arrival.narrow('ttl', hasLeft ? fromTo(2, HIGHEST_TTL) : fromTo(0, 1), ['ttl']);
    this.#ttlSpent = 1;
  }

  get translatedEnds(): End[] {
    return [...this.#translated];
  }

  get isTtlSpent(): boolean {
    return this.#ttlSpent > 0;
  }

  /** The packet's length was compared with the MTU of its egress interface, and its DF was checked. */
  compareWithMtu(): void {
    const { length, routeDev, routeMtu } = this.#packet;
    const isLonger = length > routeMtu;
    this.arrival.narrow('length', isLonger ? fromTo(routeMtu + 1, HIGHEST_LENGTH) : fromTo(0, routeMtu), ['mtu']);
    // The host itself cannot send more than its interface takes, whatever the route says.
    if (this.#isLocal) this.arrival.narrow('length', fromTo(0, this.#host.interfaces[routeDev].mtu), ['mtu']);
    if (isLonger) this.dontFragment = hasDontFragment(this.#packet);
  }

  /**
   * NAT has processed the packet as decided by RULE of the nat table; undefined if no rule decided or none was
   * evaluated.
   */
  translate(rule: Rule | undefined): void {
    const { target } = rule ?? {};
    if (rule !== undefined && target?.kind === 'extension' && target.extension.plan !== undefined) {
      const plan = new TranslationPlan(this.#host, this.#packet, (range, manip, to) =>
        this.#bind(range, manip, to, rule),
      );
      if (target.extension.plan(target.params, plan) === undefined) this.leaveAlone('chosen-translation', 'nat');
    }
    const before = this.#ends;
    const now = endsOf(this.#packet);
    this.#ends = now;
    if (ENDS.some((end) => now[end] !== before[end])) this.isTranslated = true;
    const changed = ENDS.filter((end) => now[end] !== before[end] && !this.#translated.has(end));
    if (target?.kind === 'extension' && target.extension.mapsEnd === true) return void this.#map(changed, before);
    if (changed.length === 0) return;
    // It was translated like its connection, which applies only to packets of that connection.
    if (this.given?.kind !== 'known') return void this.leaveAlone('chosen-translation', 'nat');
    this.given = givenConnection(this.#packet, this.#context, true);
    for (const end of ENDS) {
      if (!this.#translated.has(end)) this.arrival.narrow(end, onlyValue(before[end]), ['connection']);
      this.#translated.add(end);
    }
  }

  /** Each address is mapped to another one; the packet had BEFORE, and of that CHANGED is translated. */
  #map(changed: readonly End[], before: Readonly<Record<End, number>>): void {
    const { hook } = this.#packet;
    const mapped = hook === Hook.PREROUTING || hook === Hook.OUTPUT ? 'destination' : 'source';
    // Another port was chosen, as another connection has this one.
    if (changed.some((end) => end !== mapped)) return void this.leaveAlone('chosen-translation', 'nat');
    const isAny = this.#assumptions.anySource === true && mapped === 'source';
    if (!isAny && !this.#translated.has(mapped)) this.arrival.narrow(mapped, onlyValue(before[mapped]), ['connection']);
    this.#translated.add(mapped);
  }

  /** RULE binds new connections to RANGE at the MANIP end. TO: an address of the host. */
  #bind(range: NatRange, manip: Manip, to: Address | undefined, rule: Rule): Verdict | undefined {
    const { minAddress, maxAddress, minPort, maxPort, basePort, random, randomFully } = range;
    const [end, port] = manip === Manip.SRC ? (['source', 'sport'] as const) : (['destination', 'dport'] as const);
    const hasPorts = this.#ends.sport !== ABSENT;
    if (this.#assumptions.anySource === true && manip === Manip.SRC && hasPorts) {
      this.#translated.add('source').add('sport');
      return Verdict.ACCEPT;
    }
    if (random || randomFully || (minPort !== undefined && (manip === Manip.SRC || !hasPorts))) return undefined;
    const address = to ?? minAddress;
    const isOne = to !== undefined || (maxAddress !== undefined && minAddress?.equals(maxAddress) === true);
    // REDIRECT uses the address of the interface.
    if (to !== undefined && manip === Manip.DST && !this.#isLocal)
      this.arrival.narrow('inDev', this.#own('inDev'), [rule]);
    let isChanged = false;
    if (address !== undefined) {
      // With several addresses, the packet's own ends determine which one is used.
      if (isOne) isChanged = this.#set(end, address.hostOrder, rule);
      else for (const name of ['source', 'destination'] as const) this.#pin(name, rule);
      this.#translated.add(end);
    }
    if (minPort !== undefined) {
      if (minPort !== maxPort || basePort !== undefined) {
        if (endsOf(this.#packet)[port] !== firstPort(range, this.#ends[port])) return undefined;
        this.#pin(port, rule);
      } else if (!isChanged) this.#set(port, minPort, rule);
      this.#translated.add(port);
    }
    return Verdict.ACCEPT;
  }

  /** Sets NAME to VALUE, which is a translation only for packets with another value. Returns whether it is one. */
  #set(name: End, value: number, rule: Rule): boolean {
    const isChanged = this.#ends[name] !== value;
    if (!isChanged) this.#pin(name, rule);
    else if (!this.#translated.has(name)) this.arrival.narrow(name, allBut(name, value), [rule]);
    return isChanged;
  }

  #pin(name: End, rule: Rule): void {
    if (!this.#translated.has(name)) this.arrival.narrow(name, onlyValue(this.#ends[name]), [rule]);
  }

  #own(name: ValueField): FieldValues {
    return onlyValue(readField(name, this.#packet, this.#context));
  }

  /** Narrows to all addresses with the same routes and type as the packet's own. */
  #narrowToSpan(name: 'source' | 'destination', by: readonly Narrower[]): void {
    if (this.#translated.has(name)) return;
    const { min, max } = this.#host.addressSpan(toLoaded(this.#ends[name]));
    this.arrival.narrow(name, fromTo(min, max), by);
  }

  /** Whether field NAME of every packet in the set is the same as on arrival. */
  #isAsArrived(name: FieldName): boolean {
    switch (name) {
      case 'protocol':
        return true;
      case 'source':
      case 'destination':
      case 'sport':
      case 'dport':
        return !this.#translated.has(name);
      case 'ttl':
        return this.#ttlSpent === 0;
      case 'inDev':
        return !this.#isLocal;
      case 'content':
        return !this.#isLocal && this.#ttlSpent === 0 && this.#translated.size === 0;
      default:
        // No target changes the packet itself and lets it continue: `learnOutcome` returns undefined for those.
        return fieldRow(name).fixedBy === 'packet';
    }
  }

  /** Narrows field NAME, in its current state, to VALUES. */
  #carry(name: ValueField, values: FieldValues, by: readonly Narrower[]): void {
    if (this.#isAsArrived(name)) return void this.arrival.narrow(name, values, by);
    switch (name) {
      case 'ttl': {
        const spent = this.#ttlSpent;
        const ranges = values.ranges
          .map(({ min, max }) => ({ min: min + spent, max: Math.min(max + spent, HIGHEST_TTL) }))
          .filter(({ min, max }) => min <= max);
        return void this.arrival.narrow('ttl', { ...values, ranges }, by);
      }
      case 'sourceType':
      case 'sourceTypeOut':
        return void this.#narrowToSpan('source', by);
      case 'destinationType':
      case 'destinationTypeOut':
        return void this.#narrowToSpan('destination', by);
      case 'sourceTypeIn':
      case 'destinationTypeIn':
        if (!this.#isLocal) this.arrival.narrow('inDev', this.#own('inDev'), by);
        return void this.#narrowToSpan(name === 'sourceTypeIn' ? 'source' : 'destination', by);
      case 'reversePath':
      case 'reversePathByMark':
        // The route back: what routing looks at, with the ends swapped.
        if (!this.#isLocal) this.arrival.narrow('inDev', this.#own('inDev'), by);
        this.#narrowToSpan('source', by);
        this.#narrowToSpan('destination', by);
        return void this.#narrowToRouted();
      default:
        this.#carryFixed(name, values, by);
    }
  }

  /** The same for a field that is fixed by the connection, the host or the rules. */
  #carryFixed(name: ValueField, values: FieldValues, by: readonly Narrower[]): void {
    const kind = this.given?.kind;
    if (SAME_FOR_ALL.has(name)) return;
    if (!isConnectionField(name)) return void this.leaveAlone('unknown-field');
    if (kind === undefined || kind === 'none' || (name === 'ctmark' && this.#isCtmarkSet)) return;
    if (kind === 'known') {
      if (this.given?.tuple === undefined || name === 'ctexpire') this.connection.narrow(name, values, by);
      return;
    }
    // A new connection has only what its first packet has.
    if (name === 'ctprotocol') return void this.arrival.narrow('protocol', values, by);
    if (name === 'ctexpire' && this.#isConfirmed) return void this.leaveAlone('unknown-field');
    if (!isTupleField(name)) return;
    const end = OPENED_FROM[name];
    // DCCP has ports, but is tracked without.
    const isUnknown = this.#ends[end] === ABSENT || this.#packet.protocol === IPPROTO_DCCP;
    if (end.endsWith('port') && isUnknown) return void this.leaveAlone('unknown-field');
    if (end.endsWith('port')) this.arrival.narrow('protocol', allBut('protocol', IPPROTO_DCCP), by);
    const isReply = name.startsWith('ctReply');
    // A connection without ports has other numbers in their place, so packets without ports are excluded.
    if (!isReply || !this.#translated.has(end)) this.arrival.narrow(end, { ...values, orAbsent: false }, by);
  }

  get #isConfirmed(): boolean {
    const status = readField('ctstatus', this.#packet, this.#context);
    return status !== ABSENT && (status & Status.CONFIRMED) !== 0;
  }
}

/** The port of RANGE that a destination port CURRENT becomes, unless another connection has it (UniqueTuple). */
function firstPort({ minPort = 0, maxPort = minPort, basePort }: NatRange, current: number): number {
  if (basePort !== undefined) return minPort + (((current - basePort) & 0xffff) % (maxPort - minPort + 1));
  return current >= minPort && current <= maxPort ? current : minPort;
}

/** Records what a NAT target requests, and passes it to BIND. */
class TranslationPlan implements EffectPlanner {
  readonly #host: Host;
  readonly #packet: Packet;
  readonly #bind: (range: NatRange, manip: Manip, to: Address | undefined) => Verdict | undefined;

  constructor(
    host: Host,
    packet: Packet,
    bind: (range: NatRange, manip: Manip, to: Address | undefined) => Verdict | undefined,
  ) {
    this.#host = host;
    this.#packet = packet;
    this.#bind = bind;
  }

  setupNat(range: NatRange, manip: Manip): Verdict | undefined {
    return this.#bind(range, manip, undefined);
  }

  masquerade(range: NatRange): Verdict | undefined {
    const { outDev, nextHop } = this.#packet;
    const address = this.#host.masqueradeAddress(outDev, nextHop);
    return address === undefined ? Verdict.DROP : this.#bind(range, Manip.SRC, address);
  }

  redirect(range: NatRange): Verdict | undefined {
    const { hook, inDev } = this.#packet;
    const address = hook === Hook.OUTPUT ? LOCALHOST : this.#host.redirectAddress(inDev);
    return address === undefined ? Verdict.DROP : this.#bind(range, Manip.DST, address);
  }
}

function endsOf({ source, destination, sport, dport }: Packet): Record<End, number> {
  return { source: toHostOrder(source), destination: toHostOrder(destination), sport, dport };
}

function isConnectionField(name: ValueField): boolean {
  return isTupleField(name) || CONNECTION_FIELDS.has(name);
}

function isTupleField(name: ValueField): name is keyof typeof OPENED_FROM {
  return name in OPENED_FROM;
}
