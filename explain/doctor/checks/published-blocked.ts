/** A published port is blocked, past a rule that was meant to let it through. */
import { parseAddress } from '../../../codecs/address.js';
import { ABSENT } from '../../../core/fields.js';
import { type FieldCondition, holdsFor } from '../../../core/rules/condition.js';
import { lowerRule } from '../../../core/rules/lower.js';
import type { Rule } from '../../../core/rules/model.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import { Evidence, type Shown } from '../evidence.js';
import {
  isAccepted,
  isTranslated,
  lastFields,
  type MissedRule,
  natRuleOf,
  type PacketRecord,
} from '../packet-record.js';
import { packetText, ruleWords } from '../words.js';

/** Each of them is tried by replaying the captures again. */
const MAX_TRIED = 12;
/** How a rule names the ports of packets, and the addresses. */
const PORT_WORDS = /(?:-m (?:tcp|udp) )?--dport (\d+)(?= |$)/;
const ADDRESS_WORDS = /^-d ([\d.]+)\/32 /;

export const PUBLISHED_BLOCKED: Check = {
  code: 'published-blocked',
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Rule>();
    return {
      follow(record) {
        const { dropped, tracked } = record;
        if (dropped?.cause.table !== 'filter' || tracked?.ctstate !== 'NEW') return;
        if (!isTranslated(record, 'destination')) return;
        const meant = record.nearMisses.find((missed) => isMeantFor(missed, record, examined))?.rule;
        if (meant !== undefined) evidence.note(`${meant.file}:${meant.line}`, record, meant);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const shown of evidence.all.slice(0, MAX_TRIED)) failures.push(yield* findingOf(shown, examined));
        return failures;
      },
    };
  },
};

/** Whether the rule asks for what the packet had before it was translated. */
function isMeantFor({ rule, failures }: MissedRule, { ends }: PacketRecord, { host }: Examined): boolean {
  if (ends === undefined) return false;
  const before = { dport: ends.dport, destination: parseAddress(ends.destination)?.hostOrder ?? ABSENT };
  return failures.every(({ field }) => {
    if (field !== 'dport' && field !== 'destination') return false;
    const conditions = lowerRule(rule, host.interfaceNames).filter(
      (step): step is FieldCondition => step.kind === 'field' && step.field === field,
    );
    return conditions.length > 0 && conditions.every((one) => !one.negated && holdsFor(one, before[field]));
  });
}

function* findingOf({ detail: meant, first, packets }: Shown<Rule>, examined: Examined): Steps<Failure> {
  const { rule: blocking, policy } = first.dropped?.cause ?? {};
  const { destination = '', dport = -1 } = lastFields(first) ?? {};
  const port = dport < 0 ? destination : `${destination}:${dport}`;
  const by =
    blocking === undefined
      ? `the policy of ${policy?.name ?? 'its chain'}`
      : `${blocking.chain} ${blocking.number}, ${ruleWords(blocking)},`;
  const translating = natRuleOf(first, 'destination');
  const command = afterNat(meant);
  const after = command === undefined ? undefined : yield* examined.tries([command], first);
  return {
    message:
      `${packetText(first)} is blocked by ${by} although ${meant.chain} ${meant.number}, ${ruleWords(meant)}, ` +
      `is meant for it: here, behind DNAT, it goes to ${port}`,
    rules: [blocking ?? policy, meant, translating].filter((rule) => rule !== undefined),
    packets,
    change:
      command !== undefined && after !== undefined && after !== NOT_TRIED && isAccepted(after)
        ? command
        : `let ${meant.chain} ${meant.number} ask for ${port}, or for what it was before DNAT (-m conntrack --ctorigdstport)`,
  };
}

/** The command that inserts RULE so that it asks for the destination before DNAT; undefined: it takes more than that. */
function afterNat(rule: Rule): string | undefined {
  const words = ruleWords(rule);
  if (words.includes('-m conntrack ') || words.includes('! ') || !PORT_WORDS.test(words)) return undefined;
  const address = ADDRESS_WORDS.exec(words)?.[1];
  const original = address === undefined ? '' : ` --ctorigdst ${address}`;
  const asked = words
    .replace(ADDRESS_WORDS, '')
    .replace(PORT_WORDS, `-m conntrack${original} --ctorigdstport $1 --ctdir ORIGINAL`);
  return `iptables -I ${rule.chain} ${rule.number} ${asked}`;
}
