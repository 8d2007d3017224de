/** A protocol opens further connections, which only a helper of conntrack would know, and they do not get through. */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../../codecs/layouts.js';
import type { Ruleset } from '../../../core/rules/model.js';
import type { Check, Examined } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence } from '../evidence.js';
import { HELPED, type HelpedProtocol } from '../helped-protocols.js';
import { type Ends, isAccepted, type Passage } from '../passage.js';
import { targetName } from '../rule-lookup.js';
import { packetText } from '../words.js';

const CODE = 'no-helper';
const AUTOMATIC = 'net.netfilter.nf_conntrack_helper';

/** A connection that was announced. */
interface Expected {
  readonly helped: HelpedProtocol;
  readonly control: SeenConnection;
  readonly announcer: Passage;
}

export const NO_HELPER: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Expected>();
    const expected = new Map<string, Expected>();
    const isHelped = helpersOf(examined);
    const expect = (ends: Omit<Ends, 'sport'>, one: Expected): void => {
      expected.set(expectationKey(ends), one);
    };
    return {
      follow(passage, belonging) {
        const { ends, tracked } = passage;
        if (ends === undefined) return;
        if (
          tracked?.ctstate === 'NEW' &&
          !(isAccepted(passage) && !isAstray(passage, expected.get(expectationKey(ends))))
        ) {
          const found = expected.get(expectationKey(ends));
          if (found !== undefined) {
            evidence.note(found.helped, found.announcer, found).add(passage);
            return;
          }
        }
        if (belonging === undefined) return;
        const { connection, isReply } = belonging;
        const helped = HELPED.find(
          ({ protocol, port }) => connection.ends.protocol === protocol && connection.ends.dport === port,
        );
        if (helped === undefined || isHelped(helped)) return;
        for (const one of helped.expectations(passage, connection, isReply))
          expect(one, { helped, control: connection, announcer: passage });
      },
      findings: () =>
        evidence.all.map(({ detail: { helped, control }, first, packets }) => ({
          message:
            `${packetText(first)} (${helped.name}) announces a further connection, which does not get through: without ` +
            `the helper ${helped.helper} conntrack does not know that it belongs to this one`,
          rules: control.natRules,
          packets,
          change: helperCommands(helped, control),
        })),
    };
  },
};

/** Whether the packet ends at the host, though it belongs to a connection that is forwarded. */
function isAstray(passage: Passage, expectation: Expected | undefined): boolean {
  return passage.end === 'delivered' && expectation?.control.opener.end === 'forwarded';
}

function helperCommands({ name, helper, protocol, port }: HelpedProtocol, { opener }: SeenConnection): string {
  const hook = opener.inDev === undefined ? 'OUTPUT' : 'PREROUTING';
  const proto = protocol === IPPROTO_TCP ? 'tcp' : protocol === IPPROTO_UDP ? 'udp' : String(protocol);
  return (
    `modprobe nf_conntrack_${helper}; modprobe nf_nat_${helper}; iptables -t raw -A ${hook} -p ${proto} --dport ${port} ` +
    `-j CT --helper ${name}; and accept RELATED packets (not tried: helpers are not emulated)`
  );
}

function expectationKey({ protocol, source, destination, dport }: Omit<Ends, 'sport'>): string {
  return `${protocol} ${source} ${destination} ${dport}`;
}

/** Which protocols rules or the host give a helper to, as far as is known. */
function helpersOf({ host, ruleset }: Examined): (helped: HelpedProtocol) => boolean {
  if (host.description.sysctls.get(AUTOMATIC) === 1) return () => true;
  const names = assignedHelpers(ruleset);
  return ({ name }) => names.some((text) => text.includes(`--helper ${name}`));
}

function assignedHelpers({ tables }: Ruleset): string[] {
  return tables.flatMap(({ rules }) =>
    rules.flatMap((rule) => {
      const { target } = rule;
      return target.kind === 'extension' && targetName(rule) === 'CT' ? [target.extension.save(target.params)] : [];
    }),
  );
}
