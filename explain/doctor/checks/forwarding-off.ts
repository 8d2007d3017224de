/** Packets are to be forwarded, and the host does not forward. */
import type { Rule, Ruleset } from '../../../core/rules/model.js';
import { interfaceSysctl, sysctlCommand } from '../../command.js';
import type { Check, Examined, Failure } from '../check.js';
import { Evidence } from '../evidence.js';
import { rulesWithTarget, translatesElsewhere } from '../rule-lookup.js';
import { packetText } from '../words.js';

const CODE = 'forwarding-off';
const SYSCTL = 'net.ipv4.ip_forward';

export const FORWARDING_OFF: Check = {
  code: CODE,
  needs: [],
  begin(examined) {
    const evidence = new Evidence<string>();
    return {
      follow(record) {
        const { dropped, inDev } = record;
        if (dropped?.cause.reason === 'forwarding-off') evidence.note(inDev, record, inDev ?? 'lo');
      },
      findings: () => {
        const seen = evidence.all;
        if (seen.length === 0) return fromRules(examined);
        const isOff = examined.host.sysctls.global(SYSCTL) === 0;
        return seen.map(({ detail: dev, first, packets }) => ({
          message:
            `${packetText(first)} is to be forwarded, and ` +
            (isOff ? `${SYSCTL} is 0` : `${interfaceSysctl(dev, 'forwarding')} is 0`),
          rules: first.matched.filter(({ rule }) => translatesElsewhere(rule, examined.host)).map(({ rule }) => rule),
          packets,
          change: sysctlCommand(isOff ? SYSCTL : interfaceSysctl(dev, 'forwarding'), 1),
        }));
      },
    };
  },
};

/** Rules that are of no use on a host that does not forward. */
function fromRules(examined: Examined): Failure[] {
  const { host } = examined;
  if (host.sysctls.global(SYSCTL) !== 0) return [];
  const rules = forwardingRules(examined.current(), examined);
  if (rules.length === 0) return [];
  return [
    {
      message: `${SYSCTL} is 0, so what these rules are for is never forwarded`,
      rules,
      change: sysctlCommand(SYSCTL, 1),
    },
  ];
}

function forwardingRules(ruleset: Ruleset, { host }: Examined): Rule[] {
  const dnat = rulesWithTarget(ruleset, 'nat', ['DNAT']).filter((rule) => translatesElsewhere(rule, host));
  return [...dnat, ...rulesWithTarget(ruleset, 'nat', ['MASQUERADE'])].slice(0, 5);
}
