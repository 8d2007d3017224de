/** A protocol opens further connections, which only a helper of conntrack would know, and they do not get through. */
import { givenSysctl } from '../../../codecs/host/sysctls.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../../codecs/layouts.js';
import type { Ruleset } from '../../../core/rules/model.js';
import type { Check, Examined, Failure } from '../check.js';
import type { SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import { type Expectation, HELPED, type HelpedProtocol } from '../helped-protocols.js';
import { isAccepted, type PacketRecord } from '../packet-record.js';
import { targetName } from '../rule-lookup.js';
import { packetText } from '../words.js';

const CODE = 'no-helper';
const AUTOMATIC = 'net.netfilter.nf_conntrack_helper';

/** A connection that was announced. */
interface Expected {
  readonly helped: HelpedProtocol;
  readonly control: SeenConnection;
  readonly announcer: PacketRecord;
}

export const NO_HELPER: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const evidence = new Evidence<Expected>();
    const expected = new Map<string, Expected>();
    const isHelped = helpersOf(examined);
    return {
      follow(record, belonging) {
        const { ends, tracked } = record;
        if (ends === undefined) return;
        const found = tracked?.ctstate === 'NEW' ? expected.get(expectationKey(ends)) : undefined;
        if (found !== undefined && (!isAccepted(record) || isAstray(record, found))) {
          evidence.note(found.helped, found.announcer, found).add(record);
          return;
        }
        if (belonging === undefined) return;
        const { connection, isReply } = belonging;
        const helped = helpedProtocolOf(connection);
        if (helped === undefined || isHelped(helped)) return;
        const one = { helped, control: connection, announcer: record };
        if (!isReply && isUnreachable(helped.told?.(record), connection)) evidence.note(helped, record, one);
        for (const expectation of helped.expectations(record, connection, isReply))
          expected.set(expectationKey(expectation), one);
      },
      findings: () => evidence.all.map(findingOf),
    };
  },
};

function helpedProtocolOf({ ends }: SeenConnection): HelpedProtocol | undefined {
  return HELPED.find(({ protocol, port }) => ends.protocol === protocol && ends.dport === port);
}

/** Whether the server is told an address that NAT changes everywhere but in the data. */
function isUnreachable(told: string | undefined, { ends, translated }: SeenConnection): boolean {
  return told === ends.source && told !== translated.source;
}

function findingOf({ detail: { helped, control }, first, packets }: Shown<Expected>): Failure {
  const { name, helper } = helped;
  const told = helped.told?.(first);
  const what = isUnreachable(told, control)
    ? `tells the server to connect to ${told}, which the server knows as ${control.translated.source}`
    : 'announces a further connection, which does not get through';
  return {
    message:
      `${packetText(first)} (${name}) ${what}: without the helper ${helper}, conntrack does not know what belongs to ` +
      'this connection',
    rules: control.natRules,
    packets,
    change: helperCommands(helped, control),
  };
}

/** Whether the packet ends at the host, though it belongs to a connection that is forwarded. */
function isAstray(record: PacketRecord, { control }: Expected): boolean {
  return record.end === 'delivered' && control.opener.end === 'forwarded';
}

function helperCommands({ name, helper, protocol, port }: HelpedProtocol, { opener }: SeenConnection): string {
  const hook = opener.inDev === undefined ? 'OUTPUT' : 'PREROUTING';
  const proto = protocol === IPPROTO_TCP ? 'tcp' : protocol === IPPROTO_UDP ? 'udp' : String(protocol);
  return (
    `modprobe nf_conntrack_${helper}; modprobe nf_nat_${helper}; iptables -t raw -A ${hook} -p ${proto} ` +
    `--dport ${port} -j CT --helper ${name}; and accept RELATED packets (not tried: helpers are not emulated)`
  );
}

function expectationKey({ protocol, source, destination, dport }: Expectation): string {
  return `${protocol} ${source} ${destination} ${dport}`;
}

/** Which protocols rules or the host give a helper to, as far as is known. */
function helpersOf({ host, ruleset }: Examined): (helped: HelpedProtocol) => boolean {
  if (givenSysctl(host.description, AUTOMATIC) === 1) return () => true;
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
