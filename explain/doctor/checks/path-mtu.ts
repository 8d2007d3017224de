/** Path MTU discovery does not work: its ICMP errors are dropped, or a sender goes on with too long segments. */
import type { TableName } from '../../../core/hooks.js';
import type { Rule } from '../../../core/rules/model.js';
import { commandHead, commandText } from '../../command.js';
import { ruleText } from '../../story/rule-words.js';
import { type Check, type Examined, type Failure, NOT_TRIED, type Steps } from '../check.js';
import type { Belonging, SeenConnection } from '../connections.js';
import { Evidence, type Shown } from '../evidence.js';
import type { PacketRecord } from '../packet-record.js';
import { targetName } from '../rule-lookup.js';
import { endsText, packetText, untried } from '../words.js';

const CODE = 'path-mtu';
const DESTINATION_UNREACHABLE = 3;
const FRAGMENTATION_NEEDED = 4;
const CLAMP = '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu';

export const PATH_MTU: Check = {
  code: CODE,
  needs: ['captures'],
  begin(examined) {
    const blocked = new Evidence<PacketRecord>();
    const repeated = new Evidence<SeenConnection | undefined>();
    const tooLong = new Map<string, PacketRecord>();
    return {
      follow(record, belonging) {
        for (const error of [record, ...record.answers])
          if (isBlockedError(error))
            blocked.note(error.dropped?.cause.rule ?? error.dropped?.cause.policy, record, error);
        const { ends, segment, dropped } = record;
        if (ends === undefined || segment === undefined || dropped?.cause.reason !== 'fragmentation-needed') return;
        if (belonging !== undefined && isClamped(belonging)) return;
        const key = `${endsText(ends)} ${segment.sequence} ${segment.dataBytes}`;
        const before = tooLong.get(key);
        // Once is how a path's MTU is discovered.
        if (before !== undefined) {
          const flow = `${ends.destination} ${record.routed?.dev}`;
          repeated.note(flow, before, belonging?.connection);
          repeated.note(flow, record, belonging?.connection);
        }
        tooLong.set(key, record);
      },
      *findings() {
        const failures: Failure[] = [];
        for (const shown of blocked.all) failures.push(yield* blockedFinding(shown, examined));
        for (const shown of repeated.all) failures.push(yield* repeatedFinding(shown, examined));
        return failures;
      },
    };
  },
};

/** Whether it tells an MTU about a known connection, and rules drop it. */
function isBlockedError({ message, isMade, tracked, dropped }: PacketRecord): boolean {
  const { table } = dropped?.cause ?? {};
  if (table === undefined) return false;
  if (message?.type !== DESTINATION_UNREACHABLE || message.code !== FRAGMENTATION_NEEDED) return false;
  return isMade || tracked?.ctstate === 'RELATED' || (tracked === undefined && table === 'raw');
}

function* blockedFinding({ detail: error, first, packets }: Shown<PacketRecord>, examined: Examined): Steps<Failure> {
  const { rule, policy, table } = error.dropped?.cause ?? {};
  const by = rule === undefined ? `the policy of ${policy?.name}` : `${rule.chain} ${rule.number}, ${ruleText(rule)}`;
  const command = acceptCommand(rule, policy?.name, table ?? 'filter');
  const after = command === undefined ? undefined : yield* examined.tries([command], first);
  const isTried = after !== NOT_TRIED;
  const isMended =
    isTried && after !== undefined && (error === first ? after : after.answers[0])?.dropped === undefined;
  return {
    message:
      `${error.isMade ? "the host's own " : ''}fragmentation-needed, ${packetText(error)}, is dropped by ${by}: its ` +
      'receiver goes on with packets that are too long for the path',
    rules: [rule ?? policy].filter((place) => place !== undefined),
    packets,
    change:
      command !== undefined && (isMended || !isTried)
        ? isTried
          ? command
          : untried(command)
        : 'accept RELATED packets, or ICMP fragmentation-needed, before the rule that drops them',
  };
}

function acceptCommand(rule: Rule | undefined, policy: string | undefined, table: TableName): string | undefined {
  const chain = rule?.chain ?? policy;
  if (chain === undefined) return undefined;
  const head = commandHead(table, rule === undefined ? '-A' : '-I', chain, rule?.number);
  return commandText([...head, '-p', 'icmp', '-m', 'icmp', '--icmp-type', 'fragmentation-needed', '-j', 'ACCEPT']);
}

function* repeatedFinding(
  { detail, first, packets }: Shown<SeenConnection | undefined>,
  examined: Examined,
): Steps<Failure> {
  const { routed, arrived } = first;
  const dev = routed?.dev ?? '';
  const mtu = examined.host.interfaces[examined.host.interfaceIndex(dev)]?.mtu;
  return {
    message:
      `${packetText(first)} of ${arrived?.lengthBytes} bytes does not fit the MTU of ${dev}` +
      `${mtu === undefined ? '' : ` (${mtu})`}, and its sender goes on with that size in spite of the host's answers ` +
      '(fragmentation needed)',
    rules: [],
    packets,
    change: yield* clampCommand(detail, examined),
  };
}

/** Whether rules tell the sender to choose smaller segments: the captured ones would not have been sent then. */
function isClamped({ connection, isReply }: Belonging): boolean {
  const opening = isReply ? connection.opener : connection.reply;
  return opening !== undefined && meetsClamp(opening);
}

function meetsClamp({ matched }: PacketRecord): boolean {
  return matched.some(({ rule }) => targetName(rule) === 'TCPMSS');
}

function* clampCommand(connection: SeenConnection | undefined, examined: Examined): Steps<string> {
  const command = `iptables -t mangle -A FORWARD ${CLAMP}`;
  const opener = connection && (yield* examined.tries([command], connection.opener));
  if (opener === NOT_TRIED) return untried(command);
  const isMet = opener !== undefined && meetsClamp(opener);
  return isMet ? `${command}: both ends then choose segments that fit` : 'choose an MTU or MSS that fits at the sender';
}
