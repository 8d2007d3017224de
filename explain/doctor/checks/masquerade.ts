/** Packets leave with a private source that nobody elsewhere can answer. */
import type { FieldName } from '../../../core/fields.js';
import { AddressType } from '../../../core/host/address-type.js';
import { isUnconditional } from '../../../core/rules/base-match.js';
import type { Rule } from '../../../core/rules/model.js';
import { commandText } from '../../command.js';
import { ruleText } from '../../story/rule-words.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { blockOf, interfaceNamed, isIn, loadedOf, networkText, networkWith } from '../networks.js';
import { natRuleOf } from '../packet-record.js';
import { targetName } from '../rule-lookup.js';
import { masqueradeCommand, packetText, untried } from '../words.js';

const CODE = 'masquerade';
/** What a rule that is meant for such packets may be wrong about. */
const WHERE: readonly FieldName[] = ['outDev'];
/** RFC 1918, RFC 6598. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].map(blockOf);
/** RFC 6890: not private, and not for anybody in particular. */
const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'].map(blockOf);

export const MASQUERADE: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const seenDevs = new Set<string | undefined>();
    return {
      follow({ inDev }) {
        seenDevs.add(inDev);
      },
      *findings() {
        const missing = yield* missingFindings(examined);
        return [...missing, ...wideFindings(examined), ...foreignFindings(examined, seenDevs)];
      },
    };
  },
};

function* missingFindings(examined: Examined): Steps<Failure[]> {
  const evidence = new Evidence<string>();
  const answered = new Set<string>();
  for (const connection of examined.connections.shown()) {
    const { opener, reply } = connection;
    const network = unmasqueradedFrom(connection, examined);
    if (network === undefined) continue;
    const key = `${network} ${opener.left?.dev}`;
    if (reply === undefined) evidence.note(key, opener, network);
    // Somebody else translates what leaves there, or knows the way back.
    else answered.add(key);
  }
  const failures: Failure[] = [];
  for (const shown of evidence.all)
    if (!answered.has(`${shown.detail} ${shown.first.left?.dev}`))
      failures.push(...(yield* missingFinding(shown, examined)));
  return failures;
}

/** A rule without any condition masquerades what comes in as well: servers do not see who asks them. */
function wideFindings({ connections }: Examined): Failure[] {
  const evidence = new Evidence<Rule>();
  for (const { ends, translated, opener } of connections.shown()) {
    const isPublished = opener.inDev !== undefined && ends.destination !== translated.destination;
    const rule = isPublished && ends.source !== translated.source ? natRuleOf(opener, 'source') : undefined;
    const isHairpin = opener.left?.dev === opener.inDev;
    if (rule !== undefined && !isHairpin && targetName(rule) === 'MASQUERADE' && isForAll(rule))
      evidence.note(rule, opener, rule);
  }
  return evidence.all.map(({ detail: rule, first, packets }) => ({
    message:
      `${packetText(first)} reaches ${first.left?.packet.destination} from ${first.left?.packet.source}: ` +
      `${ruleText(rule)} masquerades what comes in, too, so the server does not see who asks it`,
    rules: [rule],
    packets,
    change: `give the rule the interface by which packets leave for elsewhere: ${commandText(['-o', first.inDev ?? ''])}`,
  }));
}

function isForAll({ base, matches }: Rule): boolean {
  return isUnconditional(base) && matches.every(({ extension }) => extension.name === 'comment');
}

/** SNAT to an address that the host does not have, and nothing comes back to it. */
function foreignFindings({ connections, host }: Examined, seenDevs: ReadonlySet<string | undefined>): Failure[] {
  const evidence = new Evidence<Rule>();
  const answered = new Set<Rule>();
  for (const { ends, translated, opener, reply } of connections.shown()) {
    const rule = ends.source === translated.source ? undefined : natRuleOf(opener, 'source');
    if (rule === undefined || targetName(rule) !== 'SNAT' || opener.end !== 'forwarded') continue;
    if (host.addressType(loadedOf(translated.source), -1) === AddressType.LOCAL) continue;
    if (reply !== undefined) answered.add(rule);
    else if (seenDevs.has(opener.left?.dev)) evidence.note(rule, opener, rule);
  }
  return evidence.all
    .filter(({ detail: rule }) => !answered.has(rule))
    .map(({ detail: rule, first, packets }) => ({
      message:
        `${packetText(first)} leaves by ${first.left?.dev} from ${first.left?.packet.source}, which is no address of ` +
        `the host, and is not answered: ${ruleText(rule)}`,
      rules: [rule],
      packets,
      change: `-j MASQUERADE, or --to-source with an address of ${first.left?.dev}`,
    }));
}

/** The network of its source, if CONNECTION leaves the host for a public address with a private source kept. */
function unmasqueradedFrom({ ends, translated, opener }: SeenConnection, { host }: Examined): string | undefined {
  const { left, inDev } = opener;
  if (opener.end !== 'forwarded' || left?.dev === undefined || inDev === undefined || left.dev === inDev)
    return undefined;
  if (translated.source !== ends.source) return undefined;
  if (!isIn(ends.source, PRIVATE) || isIn(translated.destination, PRIVATE) || isIn(translated.destination, SPECIAL))
    return undefined;
  // Neighbours may well know each other's routes.
  const out = networkWith(interfaceNamed(host, left.dev), translated.destination);
  if (out !== undefined && !isIn(out.local.toString(), PRIVATE)) return undefined;
  const own = networkWith(interfaceNamed(host, inDev), ends.source);
  return own === undefined ? undefined : networkText(own);
}

function* missingFinding({ detail: network, first, packets }: Shown<string>, examined: Examined): Steps<Failure[]> {
  const dev = first.left?.dev ?? '';
  const command = masqueradeCommand(['-s', network, '-o', dev]);
  const after = yield* examined.tries([command], first);
  if (after !== NOT_TRIED && (after === undefined || after.left?.packet.source === first.ends?.source)) return [];
  const wrong = first.missed.find(
    ({ hook, failures }) =>
      hook === 'POSTROUTING' && failures.every(({ field }) => field !== undefined && WHERE.includes(field)),
  );
  const about =
    wrong === undefined
      ? 'no rule masquerades it'
      : `${ruleText(wrong.rule)} misses it: ${wrong.failures.map(({ text }) => text).join(', ')}`;
  return [
    {
      message: `${packetText(first)} leaves by ${dev} with its private source, and is not answered: ${about}`,
      rules: wrong === undefined ? [] : [wrong.rule],
      packets,
      change: after === NOT_TRIED ? untried(command) : command,
    },
  ];
}
