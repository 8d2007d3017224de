/** What the way of one packet depended on that nobody said: settings, neighbours, what only the real host knows. */
import { formatLoaded } from '../../codecs/byte-order.js';
import type { Emulator } from '../../core/emulator.js';
import type { Host } from '../../core/host/host.js';
import { assumedQueues } from '../../replay/logged.js';
import type { Setting } from '../../replay/setting.js';
import { rulesTried, type Story, stepsOf } from './story.js';

/** Whether a packet's story depends on a setting that has a default here. */
const DEPENDS: Readonly<Record<string, (story: Story) => boolean>> = {
  'net.ipv4.conf.all.rp_filter': isRoutedIn,
  'net.ipv4.ip_forward': (story) => isRoutedIn(story) && isForOthers(story),
  'net.netfilter.nf_conntrack_acct': (story) =>
    rulesTried(story).some(({ rule }) => rule.matches.some(({ extension }) => extension.name === 'connbytes')),
};

/** The limits of ICMP errors: what is not given is taken as no limit. */
const ICMP_LIMITS: readonly string[] = [
  'net.ipv4.icmp_ratelimit',
  'net.ipv4.icmp_msgs_per_sec',
  'net.ipv4.icmp_msgs_burst',
];

/** What was assumed in an emulator between two packets. */
export class Assumptions {
  readonly #setting: Pick<Setting, 'assumptions'>;
  readonly #host: Host;
  readonly #emulator: Pick<Emulator, 'drawnPorts' | 'unboundQueues'>;
  #drawnPorts = 0;
  #queued = { dropped: 0, passed: 0 };

  constructor(
    setting: Pick<Setting, 'assumptions'>,
    host: Host,
    emulator: Pick<Emulator, 'drawnPorts' | 'unboundQueues'>,
  ) {
    this.#setting = setting;
    this.#host = host;
    this.#emulator = emulator;
  }

  /** Call it before the packet. */
  start(): void {
    this.#host.facts.takeAssumed();
    this.#drawnPorts = this.#emulator.drawnPorts;
    this.#queued = { ...this.#emulator.unboundQueues };
  }

  /** What STORY, of the packet since `start`, depended on, a line each. */
  of(story: Story): string[] {
    const { drawnPorts, unboundQueues } = this.#emulator;
    const dropped = unboundQueues.dropped - this.#queued.dropped;
    const passed = unboundQueues.passed - this.#queued.passed;
    return [
      ...this.#settings(story),
      ...this.#notes(story),
      ...this.#host.facts.takeAssumed(),
      ...this.#neighbours(story),
      ...(dropped + passed === 0 ? [] : assumedQueues({ dropped, passed })),
      ...(drawnPorts === this.#drawnPorts ? [] : ['a port of NAT drawn at random (--seed): the host may draw another']),
    ];
  }

  #settings(story: Story): string[] {
    const assumed = [...this.#host.sysctls.assumedValues];
    const limits = assumed.map(([name]) => name).filter((name) => ICMP_LIMITS.includes(name));
    return [
      ...assumed.flatMap(([name, value]) => (DEPENDS[name]?.(story) ? [notGiven(`${lastPart(name)} ${value}`)] : [])),
      ...(limits.length > 0 && sendsIcmpError(story)
        ? [notGiven(`no limit of ICMP errors (${limits.map(lastPart).join(', ')})`)]
        : []),
    ];
  }

  /** Those about the rules that it met, and those about no place. */
  #notes(story: Story): string[] {
    const tried = rulesTried(story);
    return this.#setting.assumptions.flatMap(({ text, place }) =>
      place === undefined || tried.some(({ rule: { file, line } }) => file === place.file && line === place.line)
        ? [text]
        : [],
    );
  }

  #neighbours(story: Story): string[] {
    const assumed = this.#host.neighbours.assumed();
    return [story, ...story.related].flatMap((one) => {
      const dev = one.left?.dev;
      const hop = stepsOf(one).findLast((step) => step.kind === 'routed' && step.to === 'interface');
      const nextHop = hop?.kind === 'routed' ? hop.nextHop : one.left?.packet.destination;
      const found = assumed.find(
        ({ dev: index, address }) => this.#host.interfaceNames[index] === dev && formatLoaded(address) === nextHop,
      );
      return found === undefined ? [] : [notGiven(`the MAC address of ${nextHop} on ${dev}`)];
    });
  }
}

const notGiven = (what: string): string => `${what}: not in the host`;
const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** It came in by an interface, and where it came from decided about it. */
function isRoutedIn(story: Story): boolean {
  return (
    story.origin === 'frame' &&
    story.inDev !== undefined &&
    stepsOf(story).some((step) => step.kind === 'routed' && !(step.reason ?? '').startsWith('martian'))
  );
}

/** Why a packet for somebody else goes nowhere, if it may be forwarded at all. */
const WITHOUT_ROUTE: readonly unknown[] = ['no-route', 'unreachable-route', 'prohibit-route'];

function isForOthers(story: Story): boolean {
  return stepsOf(story).some(
    (step) => step.kind === 'routed' && (step.to === 'interface' || WITHOUT_ROUTE.includes(step.reason)),
  );
}

function sendsIcmpError({ related }: Story): boolean {
  return related.some(({ origin, packet }) => origin === 'answer' && packet?.icmp !== undefined);
}
