/** Makes claims of stories: true ones, and ones in which one thing is another. */

import { TCP_RST } from '../../../codecs/layouts.js';
import type { PacketFields } from '../../../core/events.js';
import type { Rule } from '../../../core/rules/model.js';
import { saveRule } from '../../../core/rules/save.js';
import type { Decider, Story } from '../../../explain/story/story.js';
import { pick, type Random } from '../../random.js';

export interface MadeClaim {
  readonly members: readonly (readonly [name: string, value: unknown])[];
  /** `met`, or the member that is not met. */
  readonly expected: string;
}

type Members = [string, unknown][];

/** COUNT claims about the packets and connections of STORIES, at most. */
export function chosenClaims(all: readonly Story[], random: Random, count: number): MadeClaim[] {
  // Fragments are tested by themselves.
  const stories = all.filter(({ packet }) => packet !== undefined && packet.fragment === undefined);
  const isWithFragments = stories.length < all.length;
  const claims: MadeClaim[] = [];
  for (let i = 0; i < count && stories.length > 0; i++) {
    const kind = random(10);
    const claim =
      kind === 0
        ? neverClaim(stories, random)
        : kind < 4 && !isWithFragments
          ? connectionClaim(stories, random)
          : packetClaim(stories, random);
    if (claim !== undefined) claims.push(claim);
  }
  return claims;
}

/** What is asked of a packet, one text each; undefined: anything. */
interface Asked {
  readonly place: string | undefined;
  readonly protocol: string;
  readonly source: string | undefined;
  readonly sport: number | undefined;
  readonly destination: string | undefined;
  readonly dport: number | undefined;
}

const packetOf = ({ packet }: Story): PacketFields => packet!;
const placeOf = ({ inDev }: Story): string => inDev ?? 'local';

function askedOf(story: Story, random: Random): Asked {
  const { protocol, source, sport, destination, dport } = packetOf(story);
  const perhaps = <T>(value: T): T | undefined => (random(3) === 0 ? undefined : value);
  return {
    ...{ place: perhaps(placeOf(story)), protocol: String(protocol) },
    ...{ source: perhaps(source), sport: perhaps(sport), destination: perhaps(destination), dport: perhaps(dport) },
  };
}

function isOf({ place, protocol, source, sport, destination, dport }: Asked, story: Story): boolean {
  const packet = packetOf(story);
  return (
    (place === undefined || place === placeOf(story)) &&
    protocol === String(packet.protocol) &&
    (source === undefined || source === packet.source) &&
    (sport === undefined || sport === packet.sport) &&
    (destination === undefined || destination === packet.destination) &&
    (dport === undefined || dport === packet.dport)
  );
}

function sentence({ place, protocol, source, sport, destination, dport }: Asked): string {
  const end = (address: string | undefined, port: number | undefined): string =>
    `${address ?? '*'}${port === undefined ? '' : `:${port}`}`;
  const where = place === undefined ? '' : `${place === 'local' ? '' : 'in '}${place} `;
  return `${where}${protocol} ${end(source, sport)} > ${end(destination, dport)}`;
}

const ACCEPTED = ['forwarded', 'sent', 'delivered'];
const VERDICTS = [...ACCEPTED, 'dropped', 'rejected'];
const isThrough = ({ verdict }: Story): boolean => ACCEPTED.includes(verdict);
const isCertain = ({ uncertain }: Story): boolean => uncertain.length === 0;

function packetClaim(stories: readonly Story[], random: Random): MadeClaim | undefined {
  const asked = askedOf(pick(random, stories), random);
  const met = stories.filter((story) => isOf(asked, story));
  if (!met.every(isCertain)) return undefined;
  if (random(12) === 0) return withNobody(asked);
  return madeClaim([['packet', sentence(asked)]], { ends: met, first: met, answers: met }, random);
}

/** A claim about packets that nobody sends. */
function withNobody(asked: Asked): MadeClaim {
  return { members: [['packet', sentence({ ...asked, source: '240.1.2.3' })]], expected: 'none' };
}

/** Which packets give the verdicts, which tell how they left, and to which there may be answers. */
interface Telling {
  readonly ends: readonly Story[];
  readonly first: readonly Story[];
  readonly answers: readonly Story[];
}

/** A claim that says of its packets what TELLING says, or in one point something else. */
function madeClaim(subject: Members, telling: Telling, random: Random): MadeClaim | undefined {
  const parts = [endsPart, byPart, becomesPart, answerPart];
  const said = parts.flatMap((part) => {
    const made = random(2) === 0 ? undefined : part(telling, random);
    return made === undefined ? [] : [made];
  });
  if (said.length === 0) return { members: subject, expected: 'met' };
  const wrong = random(2) === 0 ? undefined : pick(random, said);
  const members = said.map(({ name, right, wrong: other }): [string, unknown] => [
    name,
    wrong?.name === name ? other : right,
  ]);
  return { members: [...subject, ...members], expected: wrong?.name ?? 'met' };
}

interface Part {
  readonly name: string;
  readonly right: string;
  readonly wrong: string;
}

/** The only one of VALUES; undefined if they differ. */
function common<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function endsPart({ ends }: Telling, random: Random): Part | undefined {
  const verdict = common(ends.map((story) => story.verdict));
  if (verdict === undefined || !VERDICTS.includes(verdict)) {
    if (!ends.every(isThrough)) return undefined;
    return { name: 'ends', right: 'accepted', wrong: 'dropped' };
  }
  const isAccepted = ACCEPTED.includes(verdict) && random(2) === 0;
  const others = VERDICTS.filter((one) => one !== verdict);
  return { name: 'ends', right: isAccepted ? 'accepted' : verdict, wrong: pick(random, others) };
}

function byPart({ ends }: Telling, random: Random): Part | undefined {
  const deciders = ends.map(({ decider }) => decider);
  const key = common(deciders.map((decider) => JSON.stringify(keyOf(decider))));
  const [decider] = deciders;
  if (key === undefined) return undefined;
  switch (decider.kind) {
    case 'policy': {
      const chain = `${decider.table} ${decider.chain.name}`;
      return { name: 'by', right: pick(random, [chain, `${chain} policy`]), wrong: `${chain} 1` };
    }
    case 'host':
      return { name: 'by', right: decider.reason, wrong: decider.reason === 'no-route' ? 'rp-filter' : 'no-route' };
    case 'rule': {
      if (decider.reason !== undefined) return undefined;
      const chain = `${decider.table} ${decider.rule.chain}`;
      const words = wordsOf(decider.rule, random);
      const rights = [
        chain,
        `${chain} ${decider.rule.number}`,
        ...(words === undefined ? [] : [`${chain} "${words}"`]),
      ];
      const wrongs = [
        ...(decider.rule.chain === decider.hook ? [`${chain} policy`] : []),
        `${chain} ${decider.rule.number + 1}`,
        `${decider.table} ${decider.rule.chain}x`,
        ...(words === undefined ? [] : [`${chain} "${words}x"`, `${chain} "x${words}"`]),
      ];
      return { name: 'by', right: pick(random, rights), wrong: pick(random, wrongs) };
    }
    default:
      return undefined;
  }
}

function keyOf(decider: Decider): unknown {
  if (decider.kind === 'rule') return [decider.table, decider.rule.chain, decider.rule.number, saveRule(decider.rule)];
  if (decider.kind === 'policy') return [decider.table, decider.chain.name];
  return decider;
}

/** Some words of RULE in a row. */
function wordsOf(rule: Rule, random: Random): string | undefined {
  const text = saveRule(rule).trim();
  if (text.includes('"') || text.includes('\\')) return undefined;
  const words = text.split(' ');
  const any = random(words.length);
  // A `!` belongs to what it negates.
  const option = words.findLastIndex((word, i) => i <= any && /^-/.test(word));
  const start = words[option - 1] === '!' ? option - 1 : any;
  return words.slice(start, start + 1 + random(3)).join(' ');
}

function becomesPart({ first }: Telling, random: Random): Part | undefined {
  if (!first.every(({ left }) => left !== undefined)) return undefined;
  const lefts = first.map(({ left }) => left!);
  const dev = common(lefts.map((left) => left.dev ?? ''));
  const source = common(lefts.map(({ packet }) => packet.source));
  const destination = common(lefts.map(({ packet }) => packet.destination));
  const dport = common(lefts.map(({ packet }) => packet.dport));
  const ttl = common(lefts.map(({ packet }) => packet.ttl));
  const { protocol } = lefts[0].packet;
  const form = (to: string | undefined, port: number | undefined, out: string | undefined, hops?: number): string =>
    `${protocol} ${source ?? '*'} > ${to ?? '*'}${port === undefined ? '' : `:${port}`}` +
    `${out === undefined || out === '' ? '' : ` out ${out}`}${hops === undefined ? '' : ` ttl ${hops}`}`;
  const right = form(destination, dport, dev, random(2) === 0 ? undefined : ttl);
  const wrongs = [
    form('240.1.2.3', dport, dev),
    ...(dport === undefined ? [] : [form(destination, dport === 1 ? 2 : 1, dev)]),
    ...(ttl === undefined ? [] : [form(destination, dport, dev, ttl === 255 ? 1 : ttl + 1)]),
    form(destination, dport, 'lo'),
  ];
  // What comes back over lo has left by it.
  const usable = wrongs.filter((text) => !text.includes('out lo') || dev !== 'lo');
  return { name: 'becomes', right, wrong: pick(random, usable) };
}

function answerPart({ answers }: Telling): Part | undefined {
  const kinds = answers.map(({ related, packet }) => {
    const answer = related.find(
      ({ origin, left }) => origin === 'answer' && left?.packet.destination === packet!.source,
    );
    const { icmp, tcp, protocol } = answer?.left?.packet ?? {};
    const isReset = tcp !== undefined && (tcp.flags & TCP_RST) !== 0;
    return icmp !== undefined ? `icmp ${icmp.type}/${icmp.code}` : isReset ? 'tcp R' : String(protocol);
  });
  const kind = common(kinds);
  if (kind === undefined || (!kind.startsWith('icmp') && kind !== 'tcp R')) return undefined;
  return { name: 'answer', right: kind, wrong: kind === 'icmp 3/9' ? 'icmp 3/1' : 'icmp 3/9' };
}

function neverClaim(stories: readonly Story[], random: Random): MadeClaim | undefined {
  const asked = askedOf(pick(random, stories), random);
  const met = stories.filter((story) => isOf(asked, story));
  if (!met.every(isCertain)) return undefined;
  return { members: [['never', sentence(asked)]], expected: met.some(isThrough) ? 'never' : 'met' };
}

/** TCP and UDP: what else has ports is left out here, so that one need not know what an error is about. */
const WITH_PORTS: readonly number[] = [6, 17];

interface Conversation {
  readonly first: Story;
  readonly all: Story[];
}

function conversationsIn(stories: readonly Story[]): Conversation[] {
  const known = new Map<string, Conversation>();
  const conversations: Conversation[] = [];
  for (const story of stories) {
    const packet = packetOf(story);
    if (!WITH_PORTS.includes(packet.protocol) || packet.sport === undefined) continue;
    const isReopened = story.tracked?.isReopened === true;
    let conversation = isReopened ? undefined : known.get(tupleOf(packet));
    if (conversation === undefined) {
      conversation = { first: story, all: [] };
      conversations.push(conversation);
    }
    conversation.all.push(story);
    known.set(tupleOf(packet), conversation);
    known.set(inverseOf(packet), conversation);
    // Whoever got it answers what it got.
    if (story.left !== undefined) known.set(inverseOf(story.left.packet), conversation);
  }
  return conversations;
}

const tupleOf = ({ protocol, source, sport, destination, dport }: PacketFields): string =>
  [protocol, source, sport, destination, dport].join(' ');
const inverseOf = ({ protocol, source, sport, destination, dport }: PacketFields): string =>
  [protocol, destination, dport, source, sport].join(' ');

function connectionClaim(stories: readonly Story[], random: Random): MadeClaim | undefined {
  const conversations = conversationsIn(stories);
  if (conversations.length === 0) return undefined;
  const asked = askedOf(pick(random, conversations).first, random);
  const met = conversations.filter(({ first }) => isOf(asked, first));
  if (!met.every(({ all }) => all.every(isCertain))) return undefined;
  const ends = met.map(({ first, all }) => all.find((story) => !isThrough(story) && story.verdict !== 'held') ?? first);
  const telling = { ends, first: met.map(({ first }) => first), answers: [] };
  return madeClaim([['connection', sentence(asked)]], telling, random);
}
